"""Jobs that a real Slurm ends: their node went down, or the kernel killed them for memory."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from tests.eventually import PATIENCE_S
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_contained import CAN_RUN, WHY_NOT, contained_slurm
from tests.peers.slurm_release import RELEASES

KEY = SecretKey("slurm", "jwt.key")
MIB = 2**20
Way = Callable[[SlurmCluster, pytest.MonkeyPatch, Path], Awaitable[SchedulerSnapshot]]
HUNGRY = "python3 -c 'b = bytearray(300_000_000)'"


def state_of(cluster: SlurmCluster, job: str) -> str:
    shown = cluster.scontrol("show", "job", "-o", job)
    return next(word[9:] for word in shown.split() if word.startswith("JobState="))


def is_in(cluster: SlurmCluster, job: str, state: str) -> bool:
    return state_of(cluster, job) == state


@pytest.fixture(scope="module", params=RELEASES, ids=str)
def fallen(request: pytest.FixtureRequest) -> Iterator[tuple[SlurmCluster, str, str, str]]:
    """A cluster whose node n2 went down under a job that cannot run again, and one that can."""
    with SlurmCluster("n[1-2]", rest=True, release=request.param) as cluster:
        there = ("-n1", "--mem=100", "-w", "n2")
        once = cluster.submit(*there, "--no-requeue")
        again = cluster.submit(*there, "--requeue")
        suspended = cluster.submit("-n2", "--mem=100", "-w", "n1")
        for job in (once, again, suspended):
            cluster.wait(partial(is_in, cluster, job, "RUNNING"), job)
        cluster.scontrol("suspend", suspended)
        cluster.scontrol("update", "nodename=n2", "state=down", "reason=test")
        cluster.wait(partial(is_in, cluster, once, "NODE_FAIL"), "the failure")
        cluster.wait(partial(is_in, cluster, again, "PENDING"), "the return")
        yield cluster, once, again, suspended


async def by_commands(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, _: Path
) -> SchedulerSnapshot:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    host = LocalHost(VARIABLES, SETTINGS)
    commands = SchedulerCommands(host, cluster.release.folder, PATIENCE_S)
    return await SlurmCommands(commands, jobs=True).read()


async def by_rest(cluster: SlurmCluster, _: pytest.MonkeyPatch, secrets: Path) -> SchedulerSnapshot:
    (secrets / "slurm").mkdir()
    (secrets / "slurm" / KEY.key).write_bytes(cluster.jwt_key.read_bytes())
    options = SlurmRestOptions(cluster.rest_url, user="root", jwt_key=KEY)
    slurm = SlurmRest(options, Secrets(secrets), PATIENCE_S, jobs=True)
    try:
        return await slurm.read()
    finally:
        await slurm.close()


def jobs(snapshot: SchedulerSnapshot) -> dict[str, Job]:
    assert (snapshot.unread_jobs, snapshot.note) == (0, "")
    return {job.id: job for job in snapshot.jobs or ()}


@pytest.mark.parametrize("way", [by_commands, by_rest])
async def test_jobs_of_a_node_that_went_down_have_failed_or_wait_and_hold_nothing(
    fallen: tuple[SlurmCluster, str, str, str],
    way: Way,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    cluster, once, again, suspended = fallen
    snapshot = await way(cluster, monkeypatch, tmp_path)
    found = jobs(snapshot)
    failed = found[once]
    assert (failed.state, failed.reason) == ("node_fail", "NodeDown")
    assert not failed.allocated
    assert (failed.started_at_s or 0) <= (failed.ended_at_s or 0)
    waiting = found[again]
    assert (waiting.state, waiting.nodes, waiting.ended_at_s) == ("pending", (), None)
    assert not waiting.allocated
    assert found[suspended].state == "suspended"
    assert found[suspended].allocated == Resources(0, 100 * MIB, ())
    node = snapshot.nodes["n2"]
    assert (node.state, node.reason) == ("down", "test")
    assert node.allocated is not None
    assert node.allocated.cpus == 0


@pytest.mark.skipif(not CAN_RUN, reason=WHY_NOT)
async def test_a_job_that_the_kernel_killed_for_memory_is_out_of_memory_and_holds_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with contained_slurm("oom1") as cluster:
        job = cluster.submit("-n1", "--mem=50", command=HUNGRY)
        cluster.wait(partial(is_in, cluster, job, "OUT_OF_MEMORY"), "the killer")
        found = jobs(await by_commands(cluster, monkeypatch, tmp_path))[job]
    assert (found.state, found.reason) == ("out_of_memory", "OutOfMemory")
    assert not found.allocated
