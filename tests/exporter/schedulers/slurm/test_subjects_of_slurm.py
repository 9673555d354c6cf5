"""Subjects of each real Slurm, by its commands and by slurmrestd: both report the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from rackwatt_exporter.schedulers.slurm.subjects import SUBJECTS
from rackwatt_exporter.schedulers.views import diagnostics
from tests.eventually import PATIENCE_S
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_release import RELEASES

# What Slurm reports without slurmdbd; test_accounting_of_slurm.py has the others.
REPORTED = [one for one in SUBJECTS if one.option not in ("limits", "limit_usage", "fairshare")]
MIB = 2**20


@pytest.fixture(scope="module", params=RELEASES, ids=str)
def cluster(request: pytest.FixtureRequest) -> Iterator[SlurmCluster]:
    """A cluster with licences, of which a job holds some, reservations, and a drained partition."""
    licenses = "Licenses=matlab:10,ansys:2"
    with SlurmCluster("n[1-3]", rest=True, more=licenses, release=request.param) as running:
        running.allocate("-n1", "-w", "n1", "-L", "matlab:3,ansys:2")
        reserve = ("create", "reservation", "user=root,daemon")
        running.scontrol(
            *reserve, "reservationname=maint", "starttime=now", "duration=600", "nodes=n2",
            "flags=maint",
        )  # fmt: skip
        running.scontrol(
            *reserve, "reservationname=later", "starttime=now+2hours", "duration=60", "nodecnt=1",
            "flags=daily",
        )  # fmt: skip
        limits = ("maxtime=1-06:00:00", "maxnodes=2")
        running.scontrol("update", "partitionname=again", "state=drain", *limits)
        yield running


async def by_commands(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, folder: str | None = None
) -> SchedulerSnapshot:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    folder = folder or cluster.release.folder
    host = LocalHost(VARIABLES, SETTINGS)
    slurm = SlurmCommands(
        SchedulerCommands(host, folder, PATIENCE_S), jobs=True, subjects=REPORTED, user="root"
    )
    return await slurm.read()


async def by_rest(cluster: SlurmCluster, secrets: Path) -> SchedulerSnapshot:
    (secrets / "slurm").mkdir()
    (secrets / "slurm" / "jwt.key").write_bytes(cluster.jwt_key.read_bytes())
    options = SlurmRestOptions(cluster.rest_url, user="root", jwt_key=SecretKey("slurm", "jwt.key"))
    slurm = SlurmRest(options, Secrets(secrets), PATIENCE_S, jobs=True, subjects=REPORTED)
    try:
        return await slurm.read()
    finally:
        await slurm.close()


async def both(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[SchedulerSnapshot, SchedulerSnapshot]:
    return await by_commands(cluster, monkeypatch), await by_rest(cluster, tmp_path)


async def test_licences_are_those_that_are_configured_and_that_a_job_holds(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for snapshot in await both(cluster, monkeypatch, tmp_path):
        assert snapshot.licenses == (License("ansys", 2, 2, 0, 0), License("matlab", 10, 3, 7, 0))
        assert snapshot.note == ""
        assert snapshot.jobs is not None


async def test_a_cluster_without_licences_has_none_by_either_way(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for snapshot in await both(stage, monkeypatch, tmp_path):
        assert snapshot.licenses == ()
        assert snapshot.note == ""


async def test_reservations_are_those_that_were_made(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for snapshot in await both(cluster, monkeypatch, tmp_path):
        assert snapshot.reservations is not None
        later, maint = snapshot.reservations
        assert (later.name, later.active, later.flags) == ("later", False, ("daily",))
        assert later.started_at_s
        assert later.ends_at_s == later.started_at_s + 3600
        assert (maint.name, maint.active, maint.nodes) == ("maint", True, ("n2",))
        assert (maint.node_count, maint.cores, maint.users) == (1, 8, ("root", "daemon"))
        assert set(maint.flags) == {"maint", "spec_nodes"}


async def test_partitions_are_those_of_scontrol(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    total = Resources(24, 48_000 * MIB)
    for snapshot in await both(cluster, monkeypatch, tmp_path):
        assert snapshot.queues == (
            Queue("again", "drain", 3, total, max_time_s=108_000, max_nodes=2),
            Queue("batch", "up", 3, total),
        )


async def test_diagnostics_count_the_requests_of_our_own_user(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = await by_commands(cluster, monkeypatch)
    for snapshot in await both(cluster, monkeypatch, tmp_path):
        before, after = own_requests(first), own_requests(snapshot)
        assert after > before  # each reading is of some requests itself
        assert snapshot.diagnostics is not None
        assert snapshot.diagnostics.threads
        assert snapshot.diagnostics.jobs["submitted"] == 1
        first = snapshot


def own_requests(snapshot: SchedulerSnapshot) -> float:
    """Return how many RPCs Slurm counted of the user that reads it."""
    found = {family: number for family, _, number in diagnostics.samples(snapshot)}
    assert 0 < found[diagnostics.OWN_RATIO] <= 1
    return found[diagnostics.OWN_REQUESTS]


def wrappers(cluster: SlurmCluster, folder: Path, names: tuple[str, ...], first: str = ":") -> None:
    """Put scripts in the place of commands, each of which runs something first."""
    for name in names:
        real = cluster.release.command(name)
        (folder / name).write_text(f'#!/bin/sh\n{first}\nexec {real} "$@"\n')
        (folder / name).chmod(0o755)


async def test_a_subject_that_its_command_cannot_print_hides_nothing_else(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrappers(cluster, tmp_path, ("sinfo", "squeue", "scontrol"))
    snapshot = await by_commands(cluster, monkeypatch, str(tmp_path))
    assert snapshot.nodes.keys() == {"n1", "n2", "n3"}
    assert snapshot.jobs is not None
    assert snapshot.licenses
    assert snapshot.diagnostics is None
    assert "diagnostics are not known: command_failed: there is no" in snapshot.note


async def test_words_on_stderr_cost_no_subject(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    greeting = 'echo "be warned: 1" >&2; echo Welcome: 2'
    wrappers(cluster, tmp_path, ("sinfo", "squeue", "scontrol", "sdiag"), greeting)
    snapshot = await by_commands(cluster, monkeypatch, str(tmp_path))
    assert snapshot.licenses
    assert snapshot.queues
    assert snapshot.reservations
    assert snapshot.diagnostics is not None
    assert snapshot.note == ""
