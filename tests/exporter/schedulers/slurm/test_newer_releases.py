"""Newer releases of Slurm: what 22.05 reports of the same nodes, accounts and users, they do too."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from rackwatt_exporter.schedulers.slurm.subject import SlurmSubject
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.conftest import NAMES, REASON, SILENT, TRUTH, WORDS, set_states
from tests.exporter.schedulers.slurm.test_accounting_of_slurm import (
    ENFORCED,
    OF_ALPHA,
    OF_QOS,
    SHARES,
    SUBJECTS,
    USAGE_OF_ALPHA,
    add_accounts,
    compute_usage,
    fair_shares,
    limits,
    submit_job,
)
from tests.exporter.schedulers.snapshots import details, details_by_scontrol, states
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_accounting import SlurmAccounting
from tests.peers.slurm_release import NEWER, OWN, SlurmRelease

KEY = SecretKey("slurm", "jwt.key")


@pytest.fixture(scope="module", params=NEWER, ids=str)
def newer(request: pytest.FixtureRequest) -> Iterator[SlurmCluster]:
    """A cluster of a newer release, whose nodes are in the states of TRUTH."""
    with SlurmCluster(NAMES, "d[1-2]", rest=True, release=request.param) as cluster:
        set_states(cluster)
        yield cluster


async def by_commands(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, subjects: Sequence[SlurmSubject] = ()
) -> SchedulerSnapshot:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    host, folder = LocalHost(VARIABLES, SETTINGS), cluster.release.folder
    return await SlurmCommands(
        SchedulerCommands(host, folder, PATIENCE_S), jobs=True, subjects=subjects
    ).read()


async def by_rest(
    cluster: SlurmCluster, secrets: Path, version: str, subjects: Sequence[SlurmSubject] = ()
) -> SchedulerSnapshot:
    (secrets / "slurm").mkdir(exist_ok=True)
    (secrets / "slurm" / KEY.key).write_bytes(cluster.jwt_key.read_bytes())
    options = SlurmRestOptions(cluster.rest_url, user="root", jwt_key=KEY, version=version)
    slurm = SlurmRest(options, Secrets(secrets), PATIENCE_S, jobs=True, subjects=subjects)
    try:
        return await slurm.read()
    finally:
        await slurm.close()


async def test_every_state_of_a_node_is_read_in_each_way_and_version(
    newer: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    snapshots = [await by_commands(newer, monkeypatch)]
    snapshots += [await by_rest(newer, tmp_path, one) for one in newer.release.rest_versions]
    expected = details_by_scontrol(newer)
    assert newer.truth() == TRUTH
    for snapshot in snapshots:
        assert states(snapshot) == WORDS
        assert details(snapshot) == expected
        assert snapshot.nodes["n6"].reason == REASON
        assert snapshot.version == newer.release.version
        assert snapshot.usage is not None
        assert set(WORDS) - snapshot.usage.keys() - {"d1", "d2"} == SILENT


async def failure_of(
    release: SlurmRelease, cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> ReadError:
    """Read with the commands of a release."""
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    commands = SchedulerCommands(LocalHost(VARIABLES, SETTINGS), release.folder, PATIENCE_S)
    with pytest.raises(ReadError) as caught:
        await SlurmCommands(commands, jobs=False).read()
    return caught.value


async def test_commands_that_are_too_old_for_slurmctld_are_said_to_be_so(
    newer: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = await failure_of(OWN, newer, monkeypatch)
    assert error.reason is Reason.COMMAND_FAILED
    assert str(error) == "the Slurm of sinfo is too old for that of slurmctld"
    assert "slurm.ssh" in (error.remedy or "")


@pytest.mark.parametrize("release", NEWER, ids=str)
async def test_commands_that_are_newer_than_slurmctld_are_refused_and_the_hint_says_so(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, release: SlurmRelease
) -> None:
    error = await failure_of(release, stage, monkeypatch)
    assert error.reason is Reason.AUTH_FAILED
    assert "sinfo no newer than slurmctld?" in str(error)


@pytest.fixture(scope="module", params=NEWER, ids=str)
def alpha(request: pytest.FixtureRequest) -> Iterator[SlurmCluster]:
    """A cluster of a newer release, with slurmdbd and the accounts of OF_ALPHA."""
    release = request.param
    with (
        SlurmAccounting(release=release) as accounting,
        SlurmCluster(
            "n1", rest=True, more=ENFORCED, name="alpha", accounting=accounting, release=release
        ) as cluster,
    ):
        add_accounts(accounting)
        submit_job(cluster)
        compute_usage(cluster)
        yield cluster


async def test_limits_and_fair_shares_are_those_of_22_05_in_each_way_and_version(
    alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = await by_commands(alpha, monkeypatch, SUBJECTS)
    assert limits(here) == OF_ALPHA
    assert set(here.qos_limits or ()) == OF_QOS
    assert set(here.limit_usage or ()) >= USAGE_OF_ALPHA
    assert {key: (one.shares, one.parent) for key, one in fair_shares(here).items()} == SHARES
    for version in alpha.release.rest_versions:
        there = await by_rest(alpha, tmp_path, version, SUBJECTS)
        assert limits(there) == OF_ALPHA
        assert set(there.qos_limits or ()) == OF_QOS
        for key, share in fair_shares(there).items():
            known = msgspec.structs.asdict(fair_shares(here)[key])
            assert msgspec.structs.asdict(share) == {
                name: pytest.approx(value, rel=1e-4) if isinstance(value, float) else value
                for name, value in known.items()
            }
