"""Jobs of each real Slurm with slurmdbd and MariaDB, by sacct and by slurmrestd: both are equal."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from rackwatt_accounting.model.associations import Account, Membership
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.base import AccountingSource
from rackwatt_accounting.sources.slurm.rest import SlurmRestSource
from rackwatt_accounting.sources.slurm.sacct import ENVIRONMENT, SacctSource
from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_accounting import SlurmAccounting
from tests.peers.slurm_release import OWN, RELEASES, SlurmRelease

NAME = "x\n8|a'b\x1fé"
WHEN_S = int(time.time()) - 3600


class Site:
    """A cluster whose jobs have ended, but for one, and the ids of these."""

    def __init__(self, accounting: SlurmAccounting, cluster: SlurmCluster) -> None:
        self.accounting, self.cluster = accounting, cluster
        accounting.sacctmgr("add", "account", "physics", "cluster=alpha", "Description=all | of it")
        accounting.sacctmgr("add", "account", "optics", "parent=physics", "cluster=alpha")
        accounting.sacctmgr("add", "user", "root,games", "account=optics", "cluster=alpha")
        accounting.sacctmgr("add", "coordinator", "account=physics", "names=games")
        self.named = cluster.submit("-J", NAME, "--mem=320", "-Aoptics", command="true")
        self.piped = cluster.submit("-J", "a|b", "-n2", command="false")
        self.array = cluster.submit("--array=1-2", command="true")
        self.again = cluster.submit("--requeue", command="sleep 100000")
        self.het = cluster.run(
            "sbatch", "--parsable", "-o/dev/null", "--wrap=true", "-n1", ":", "-n2"
        ).strip()
        cluster.wait(lambda: self.words(self.again), "a job to run")
        self.never = cluster.submit("-n24")  # more than the other leaves
        cluster.cancel(self.never)
        cluster.scontrol("requeue", self.again)
        cluster.wait(self.all_recorded, "the records of all jobs")

    def words(self, job_id: str) -> list[str]:
        """The states of the runs of a job."""
        said = self.cluster.run("sacct", "-XDnPa", "-oState,Start", "-Snow-1hour", "-j", job_id)
        return [line.split("|")[0] for line in said.splitlines() if "Unknown" not in line]

    def all_recorded(self) -> bool:
        """Whether all have ended as they should, and the one that was requeued waits."""
        said = self.cluster.run("sacct", "-XDnPa", "-oState", "-Snow-1hour", "-Enow+1hour")
        states = sorted(line.split(" ")[0] for line in said.splitlines())
        return states == sorted(["CANCELLED", "FAILED", "PENDING", "REQUEUED", *["COMPLETED"] * 5])


@pytest.fixture(scope="module", params=RELEASES, ids=str)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    release: SlurmRelease = request.param
    with (
        SlurmAccounting(release=release) as accounting,
        SlurmCluster(
            "n[1-3]", rest=True, name="alpha", accounting=accounting, release=release
        ) as cluster,
    ):
        yield Site(accounting, cluster)


@pytest.fixture
def sacct(site: Site, monkeypatch: pytest.MonkeyPatch) -> SacctSource:
    return by_sacct(site, monkeypatch)


def by_sacct(
    site: Site, monkeypatch: pytest.MonkeyPatch, cluster: str | None = None
) -> SacctSource:
    monkeypatch.setenv("SLURM_CONF", str(site.cluster.configuration))
    host = LocalHost(ENVIRONMENT.variables, ENVIRONMENT.settings)
    return SacctSource(SchedulerCommands(host, site.cluster.release.folder, 30), cluster)


@pytest.fixture
async def rest(site: Site, tmp_path: Path) -> AsyncIterator[SlurmRestSource]:
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm" / "jwt.key").write_bytes(site.cluster.jwt_key.read_bytes())
    key = SecretKey("slurm", "jwt.key")
    options = SlurmRestOptions(site.cluster.rest_url, user="root", jwt_key=key)
    source = SlurmRestSource(options, Secrets(tmp_path))
    yield source
    await source.close()


def window() -> Window:
    return Window(WHEN_S, int(time.time()) + 1)


async def listed(source: AccountingSource, of: Window | None = None) -> list[Unit]:
    return [unit async for batch in source.units(of or window()) for unit in batch]


def alike(units: Sequence[Unit], release: SlurmRelease) -> list[Unit]:
    """Units in the order of their keys, without what slurmrestd does not report.

    That is the uid, and by Slurm 22.05 the exit status of a job that failed.
    """
    without = [msgspec.structs.replace(unit, uid=None) for unit in units]
    if release == OWN:
        without = [
            msgspec.structs.replace(unit, exit_code="") if unit.state == "failed" else unit
            for unit in without
        ]
    return sorted(without, key=lambda unit: unit.key)


async def test_every_run_is_a_unit_with_what_it_was_given(site: Site, sacct: SacctSource) -> None:
    units = {unit.display_id or unit.id: unit for unit in await listed(sacct)}
    assert units.keys() == {
        site.named, site.piped, f"{site.array}_1", f"{site.array}_2", site.again,
        f"{site.het}+0", f"{site.het}+1", site.never,
    }  # fmt: skip
    named = units[site.named]
    assert (named.name, named.state) == ("x 8|a'b é", "completed")
    assert (named.cpus, named.nodes, named.memory_mib, named.billing) == (1, 1, 320, 1)
    assert (named.user, named.account, named.qos) == ("root", "optics", "normal")
    assert named.tres == "billing=1,cpu=1,mem=320M,node=1"
    piped = units[site.piped]
    assert (piped.name, piped.state, piped.exit_code) == ("a|b", "failed", "1:0")
    assert (piped.cpus, piped.memory_mib) == (2, 2000)
    assert units[f"{site.array}_1"].array == site.array
    assert units[f"{site.het}+1"].cpus == 2
    never = units[site.never]
    assert (never.state, never.has_run, never.cpus) == ("cancelled", False, 0)
    assert never.ended_at_s is not None
    again = units[site.again]
    assert again.state == "requeued"
    assert again.node_list in site.cluster.nodes
    for unit in units.values():
        assert unit.ended_at_s is not None
        assert WHEN_S < (unit.submitted_at_s or 0) <= unit.started_at_s <= unit.ended_at_s
        assert unit.scheduler_joules is None


async def test_a_cluster_that_is_named_has_the_same_units(
    site: Site, sacct: SacctSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await listed(by_sacct(site, monkeypatch, "alpha")) == await listed(sacct)
    assert await listed(by_sacct(site, monkeypatch, "beta")) == []


async def test_units_are_found_by_their_ids(site: Site, sacct: SacctSource) -> None:
    units = await listed(sacct)
    ids = [unit.id for unit in units if unit.array] + [site.again, "999999"]
    found = [unit async for some in sacct.units_by_id(ids, WHEN_S) for unit in some]
    assert sorted(found, key=lambda unit: unit.key) == sorted(
        (unit for unit in units if unit.id in ids), key=lambda unit: unit.key
    )


async def test_accounts_users_and_coordinators_are_those_of_sacctmgr(sacct: SacctSource) -> None:
    associations = await sacct.associations()
    assert set(associations.accounts) == {
        Account("root", "", "default root account"),
        Account("physics", "root", "all | of it"),
        Account("optics", "physics", "optics"),
    }
    assert {
        Membership("root", "optics"),
        Membership("games", "physics", is_coordinator=True),
    } <= set(associations.memberships)
    assert ("alice", "optics") not in {(one.user, one.account) for one in associations.memberships}


async def test_slurmrestd_has_the_same_units_as_sacct(
    site: Site, sacct: SacctSource, rest: SlurmRestSource
) -> None:
    release = site.cluster.release
    units = alike(await listed(sacct), release)
    assert alike(await listed(rest), release) == units
    # Times are not cut at the edges of the window.
    edge_s = max(unit.ended_at_s or 0 for unit in units)
    cut = Window(edge_s, edge_s + 1)
    assert alike(await listed(rest, cut), release) == alike(await listed(sacct, cut), release) != []


async def test_slurmrestd_finds_the_same_units_by_their_ids(
    site: Site, sacct: SacctSource, rest: SlurmRestSource
) -> None:
    ids = [site.named, site.again, site.piped, "999999"]
    by_sacct = [unit async for some in sacct.units_by_id(ids, WHEN_S) for unit in some]
    by_rest = [unit async for some in rest.units_by_id(ids, WHEN_S) for unit in some]
    assert len(by_sacct) == 3
    release = site.cluster.release
    assert alike(by_rest, release) == alike(by_sacct, release)


async def test_slurmrestd_has_the_same_associations_as_sacctmgr(
    sacct: SacctSource, rest: SlurmRestSource
) -> None:
    by_sacct, by_rest = await sacct.associations(), await rest.associations()
    assert set(by_rest.accounts) == set(by_sacct.accounts)
    assert set(by_rest.memberships) == set(by_sacct.memberships)


async def test_slurmrestd_without_slurmdbd_is_an_error_and_no_empty_list(
    site: Site, rest: SlurmRestSource
) -> None:
    before = await listed(rest)
    site.accounting.stop()
    try:
        for reading in (listed(rest), rest.associations()):
            with pytest.raises(ReadError, match="cannot reach slurmdbd") as raised:
                await reading
            assert raised.value.reason is Reason.UNREACHABLE
    finally:
        site.accounting.start()
    assert await listed(rest) == before


async def test_without_slurmdbd_there_is_an_error_and_no_empty_list(
    site: Site, sacct: SacctSource
) -> None:
    before = await listed(sacct)
    site.accounting.stop()
    try:
        for reading in (listed(sacct), sacct.associations()):
            with pytest.raises(ReadError, match="cannot reach slurmdbd") as raised:
                await reading
            assert raised.value.reason is Reason.UNREACHABLE
    finally:
        site.accounting.start()
    assert await listed(sacct) == before
