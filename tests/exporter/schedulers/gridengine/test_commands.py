"""A real Grid Engine 8.1.9, here and through a real sshd; the oracle is the table of qstat."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.base import Scheduler
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.registry import scheduler
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.gridengine.conftest import LETTERS, STATES
from tests.peers.gridengine import USER, GridEngineCluster
from tests.peers.sshd import sshd

LOOPS = ("asyncio", "uvloop")
TIMEOUT = "timeout: 2m"


@pytest.fixture
async def local(
    cluster: GridEngineCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Scheduler]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    made = here(cluster, tmp_path)
    yield made
    await made.close()


def here(cluster: GridEngineCluster, tmp_path: Path, more: str = TIMEOUT) -> Scheduler:
    root = cluster.environment["SGE_ROOT"]
    spec = f"{more}, gridengine: {{root: {root}, cli: {{path: {cluster.commands}}}}}"
    return scheduler(resolved(spec), Secrets(tmp_path))


def states(snapshot: SchedulerSnapshot) -> dict[str, tuple[str, object]]:
    """Return the state of each node, and how many of its slots are allocated."""
    return {
        name: (node.state, node.allocated and node.allocated.cpus)
        for name, node in snapshot.nodes.items()
    }


async def test_states_of_a_real_grid_engine_are_those_of_its_own_table(
    local: Scheduler, cluster: GridEngineCluster
) -> None:
    snapshot = await local.read()
    assert cluster.letters() == LETTERS
    assert states(snapshot) == STATES
    assert (snapshot.version, snapshot.unread, snapshot.unread_jobs) == ("8.1.9", 0, 0)


async def test_flags_queues_reason_and_resources_of_hosts_are_read(local: Scheduler) -> None:
    nodes = (await local.read()).nodes
    assert nodes["e3"].flags == ("disabled",)
    assert nodes["e9"].partitions == ("all.q", "other.q")
    assert nodes["e9"].flags == ("disabled",)
    assert "marked QERROR as result of job" in nodes["e5"].reason
    total = nodes["e1"].total
    assert total is not None
    assert total.cpus
    assert total.memory_bytes
    assert nodes["dead"].total is None


async def test_jobs_of_another_user_are_those_of_its_own_table(
    local: Scheduler, cluster: GridEngineCluster
) -> None:
    snapshot = await local.read()
    assert snapshot.jobs is not None
    table = cluster.qstat("-u", "*").splitlines()[2:]
    assert sorted(job.id for job in snapshot.jobs) == sorted(map(called, table))
    assert {job.user for job in snapshot.jobs} == {USER}


def called(row: str) -> str:
    """Return the id of a row of the table, whose last column is the tasks of an array."""
    words = row.split()
    tasks = row[-20:].strip().partition(" ")[2].strip()
    return f"{words[0]}.{tasks}" if tasks else words[0]


async def test_states_are_the_same_where_jobs_are_not_read(
    cluster: GridEngineCluster, tmp_path: Path
) -> None:
    off = "metrics: {jobs: false, partitions: false, users: false, accounts: false}"
    snapshot = await here(cluster, tmp_path, f"{TIMEOUT}, {off}").read()
    assert states(snapshot) == STATES
    assert snapshot.jobs is None


def job(snapshot: SchedulerSnapshot, id: str) -> Job:
    (found,) = (job for job in snapshot.jobs or () if job.id == id)
    return found


async def test_a_parallel_job_has_its_slots_on_each_host(local: Scheduler) -> None:
    parallel = job(await local.read(), "2")
    assert dict(zip(parallel.nodes, parallel.per_node, strict=True)) == {
        "e2": Resources(cpus=1),
        "e3": Resources(cpus=1),
    }
    assert parallel.allocated == Resources(cpus=2)
    assert (parallel.state, parallel.account) == ("running", "fusion")


async def test_tasks_of_an_array_are_jobs_once_they_run(local: Scheduler) -> None:
    snapshot = await local.read()
    tasks = [job(snapshot, f"1.{task}") for task in (3, 5, 7)]
    assert {(task.array, task.tasks, task.nodes) for task in tasks} == {("1", 1, ("e2",))}
    waiting = job(snapshot, "7.1-10:3")
    assert (waiting.state, waiting.tasks, waiting.array) == ("pending", 4, "7")
    assert waiting.requested == Resources(cpus=99)
    assert waiting.partitions == ("other.q",)


async def test_a_job_that_waits_or_is_suspended_is_in_that_state(local: Scheduler) -> None:
    snapshot = await local.read()
    assert (job(snapshot, "6").state, job(snapshot, "6").partitions) == ("held", ("other.q",))
    assert (job(snapshot, "4").state, job(snapshot, "4").flags) == (
        "suspended",
        ("queue_suspended",),
    )


async def test_times_are_right_wherever_the_commands_run(
    local: Scheduler, cluster: GridEngineCluster
) -> None:
    snapshot = await local.read()
    (row,) = (row for row in cluster.qstat("-u", "*").splitlines() if row.split()[:1] == ["2"])
    day, time = row.split()[5:7]
    # Not by the zone of this process, which the C library reads once.
    started = datetime.strptime(f"{day} {time} +0900", "%m/%d/%Y %H:%M:%S %z")
    assert job(snapshot, "2").started_at_s == int(started.timestamp())


async def test_it_is_read_over_one_login_whatever_the_login_shell_sets(
    cluster: GridEngineCluster, local: Scheduler, tmp_path: Path
) -> None:
    async with sshd(tmp_path / "sshd", "SetEnv TZ=America/New_York SGE_ROOT=/nowhere") as peer:
        secret = tmp_path / "login"
        secret.mkdir()
        (secret / "ssh-privatekey").write_bytes(peer.client_key.read_bytes())
        (secret / "known_hosts").write_bytes(peer.known_hosts.read_bytes())
        spec = (
            f"{TIMEOUT}, gridengine: {{root: {cluster.environment['SGE_ROOT']}, cell: default, ssh: "
            f"{{host: {peer.address}, port: {peer.port}, path: {cluster.commands}, "
            "keySecretRef: {name: login}, knownHostsSecretRef: {name: login}}}"
        )
        made = scheduler(resolved(spec), Secrets(tmp_path))
        try:
            first, second = await made.read(), await made.read()
        finally:
            await made.close()
        assert peer.logins() == 1
    assert first.nodes == second.nodes == (await local.read()).nodes
    assert first.jobs == (await local.read()).jobs


async def failure_of(made: Scheduler) -> ReadError:
    with pytest.raises(ReadError) as caught:
        await made.read()
    return caught.value


async def test_a_qmaster_that_is_gone_is_unreachable_and_found_again(
    cluster: GridEngineCluster, tmp_path: Path
) -> None:
    with GridEngineCluster("e1") as other:
        other.add_queue("all.q", "e1")
        made = here(other, tmp_path)
        await made.read()
        other.stop_qmaster()
        error = await failure_of(made)
        assert error.reason is Reason.UNREACHABLE
        assert "sge_qmaster" in str(error)
        other.start_qmaster()
        assert set((await made.read()).nodes) == {"e1"}


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [("/nowhere", None, "gridengine.root"), (None, "/nowhere", "install Grid Engine's commands")],
)
async def test_a_wrong_directory_is_command_failed_and_says_what_to_do(
    cluster: GridEngineCluster, tmp_path: Path, root: str | None, path: str | None, expected: str
) -> None:
    root, path = root or cluster.environment["SGE_ROOT"], path or str(cluster.commands)
    spec = f"{TIMEOUT}, gridengine: {{root: {root}, cli: {{path: {path}}}}}"
    error = await failure_of(scheduler(resolved(spec), Secrets(tmp_path)))
    assert error.reason is Reason.COMMAND_FAILED
    assert expected in str(error)
