"""Completing jobs: they hold what is allocated of their nodes, in a real Slurm and by hand."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs
from rackwatt_exporter.schedulers.slurm.node_parts import NodeParts
from tests.eventually import PATIENCE_S
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_release import RELEASES


@pytest.fixture(scope="module", params=RELEASES, ids=str)
def cluster(request: pytest.FixtureRequest) -> Iterator[SlurmCluster]:
    """Two jobs that run, one of them on two nodes, and two that complete beside them."""
    with SlurmCluster("n[1-3]", release=request.param) as cluster:
        cluster.submit("-N2", "-n5", "-w", "n2,n3")
        cluster.submit("-n2", "-w", "n1")
        ended = cluster.submit("-n1", "-w", "n2"), cluster.submit("-N2", "-n4", "-w", "n1,n2")
        cluster.wait(lambda: count(cluster, "R") == 4, "all jobs to run")
        (cluster.directory / "hold-epilog").touch()
        cluster.cancel(*ended)
        cluster.wait(lambda: count(cluster, "CG") == 2, "two jobs to complete")
        yield cluster
        (cluster.directory / "hold-epilog").unlink()


def count(cluster: SlurmCluster, state: str) -> int:
    return cluster.run("squeue", "-h", "-t", state).count("\n")


async def test_jobs_hold_together_what_is_allocated_of_nodes_while_some_complete(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    commands = SchedulerCommands(LocalHost(VARIABLES, SETTINGS), cluster.release.folder, PATIENCE_S)
    snapshot = await SlurmCommands(commands, jobs=True).read()
    by_scontrol = {name: int(words["CPUAlloc"]) for name, words in cluster.shown().items()}
    assert on_nodes(snapshot) == by_scontrol
    states = sorted(job.state for job in snapshot.jobs or () if job.nodes)
    assert states == ["completing", "completing", "running", "running"]
    held = [job.allocated for job in snapshot.jobs or () if job.allocated is not None]
    assert sum(one.cpus or 0 for one in held) == sum(by_scontrol.values()) == 7


def on_nodes(snapshot: SchedulerSnapshot) -> dict[str, float]:
    """Add up what jobs hold of each node."""
    held = dict.fromkeys(snapshot.nodes, 0.0)
    for job in snapshot.jobs or ():
        for name, part in zip(job.nodes, job.per_node, strict=False):
            held[name] += part.cpus or 0
    return held


def job(number: str, state: str, cpus: int, *nodes: str) -> Job:
    held = Resources(cpus, 1000 * cpus)
    alone = (held,) if len(nodes) == 1 else ()
    return Job(number, state, nodes=nodes, allocated=held, per_node=alone)


def completed(jobs: tuple[Job, ...], **allocated: int | None) -> dict[str, Job]:
    """Return what is made of jobs where so many CPUs of nodes are allocated."""
    nodes = {
        name: SchedulerNode("mixed", total=Resources(8), allocated=Resources(cpus))
        for name, cpus in allocated.items()
    }
    return {one.id: one for one in NodeParts().complete(SlurmJobs(jobs), nodes).jobs or ()}


RUNS, ENDS = job("1", "running", 5, "n2", "n3"), job("2", "completing", 1, "n2")


def test_a_completing_job_that_its_node_is_not_allocated_to_holds_nothing() -> None:
    made = completed((RUNS, ENDS), n2=4, n3=1)
    assert made["2"] == replace(ENDS, allocated=None, per_node=())
    assert [part.cpus for part in made["1"].per_node] == [4, 1]


def test_a_completing_job_that_its_node_is_still_allocated_to_holds_what_it_held() -> None:
    made = completed((RUNS, ENDS), n2=5, n3=1)
    assert made["2"] == ENDS
    assert [part.cpus for part in made["1"].per_node] == [4, 1]


def test_a_completing_job_whose_other_nodes_are_free_already_holds_nothing() -> None:
    """It is listed with the last of its nodes alone, and with the CPUs of all of them."""
    assert completed((job("1", "completing", 6, "n1"),), n1=0)["1"].allocated is None


def test_a_completing_job_of_nodes_whose_allocation_is_not_known_is_as_it_is_listed() -> None:
    assert completed((RUNS, ENDS), n2=None, n3=1)["2"] == ENDS
    assert completed((RUNS, ENDS), n3=1)["2"] == ENDS


def test_a_completing_job_that_holds_nothing_stays_the_same_record() -> None:
    parts = NodeParts()
    nodes = {"n2": SchedulerNode("mixed", allocated=Resources(0))}
    first, second = (parts.complete(SlurmJobs((ENDS,)), nodes).jobs or () for _ in range(2))
    assert first[0].allocated is None
    assert first[0] is second[0]
