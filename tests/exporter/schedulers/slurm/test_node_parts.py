"""What jobs hold of each of their nodes: never another number than the truth that was drawn."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs
from rackwatt_exporter.schedulers.slurm.node_parts import NodeParts

CPUS, GPUS = 16, 4
NODES = ("n1", "n2", "n3", "n4")


class Part(NamedTuple):
    """What a job holds of a node in truth."""

    cpus: int
    gpus: int


Truth = Sequence[Mapping[str, Part]]
PARTS = st.builds(Part, st.integers(1, 5), st.integers(0, 2))
TRUTHS = st.lists(st.dictionaries(st.sampled_from(NODES), PARTS, min_size=1), max_size=6)


def resources(cpus: float, gpus: int) -> Resources:
    return Resources(cpus, gres=(Gres("gpu", gpus, "h100"),) if gpus else ())


def listed(truth: Truth) -> SlurmJobs:
    """Make the jobs as squeue lists them: the total, and each part of a job on one node."""
    jobs = []
    for number, parts in enumerate(truth):
        held = resources(
            sum(one.cpus for one in parts.values()), sum(p.gpus for p in parts.values())
        )
        alone = (held,) if len(parts) == 1 else ()
        jobs.append(Job(str(number), "running", nodes=tuple(parts), allocated=held, per_node=alone))
    return SlurmJobs(tuple(jobs))


def nodes(truth: Truth) -> dict[str, SchedulerNode]:
    """Make the nodes as sinfo lists them; more may be allocated of one than there is."""
    made = {}
    for name in NODES:
        parts = [parts[name] for parts in truth if name in parts]
        held = resources(sum(one.cpus for one in parts), sum(one.gpus for one in parts))
        total = resources(max(CPUS, held.cpus or 0), max(GPUS, held.count("gpu") or 0))
        made[name] = SchedulerNode("mixed", total=total, allocated=held)
    return made


def solved(jobs: SlurmJobs, of: Mapping[str, SchedulerNode]) -> dict[str, Job]:
    return {job.id: job for job in NodeParts().complete(jobs, of).jobs or ()}


def cpus(job: Job) -> list[float | None]:
    return [part.cpus for part in job.per_node]


@given(TRUTHS)
def test_parts_that_are_known_are_those_that_jobs_hold(truth: Truth) -> None:
    jobs = solved(listed(truth), nodes(truth))
    assert len(jobs) == len(truth)
    for number, parts in enumerate(truth):
        job = jobs[str(number)]
        for name, part in zip(job.nodes, job.per_node, strict=False):
            assert part.cpus in (None, parts[name].cpus)
            assert part.count("gpu") in (None, parts[name].gpus)


@given(TRUTHS, st.sampled_from(NODES), st.integers(1, 3))
def test_parts_of_nodes_that_changed_since_still_add_up_to_the_total(
    truth: Truth, name: str, more: int
) -> None:
    """A job of one node started between sinfo and squeue, or ended."""
    now = [*truth, {name: Part(more, 0)}]
    for jobs, of in ((listed(now), nodes(truth)), (listed(truth), nodes(now))):
        for job in solved(jobs, of).values():
            assert job.allocated is not None
            known = [part.cpus for part in job.per_node if part.cpus is not None]
            assert not known or sum(known) == job.allocated.cpus


@given(TRUTHS)
def test_a_job_is_solved_where_it_alone_is_not_known_on_its_nodes(truth: Truth) -> None:
    single = [dict([next(iter(parts.items()))]) for parts in truth]
    spread = {"n1": Part(3, 1), "n2": Part(1, 0)}
    both = [spread, *single]
    job = solved(listed(both), nodes(both))["0"]
    assert cpus(job) == [3, 1]
    assert [part.gres for part in job.per_node] == [(Gres("gpu", 1, "h100"),), ()]


def test_a_solved_job_leaves_the_next_one_alone() -> None:
    """The first is not alone on n2 until the second is known, by what it leaves of n3."""
    truth = [
        {"n1": Part(2, 0), "n2": Part(3, 0)},
        {"n2": Part(1, 0), "n3": Part(1, 0)},
    ]
    jobs = solved(listed(truth), nodes(truth))
    assert (cpus(jobs["0"]), cpus(jobs["1"])) == ([2, 3], [1, 1])


def test_whole_nodes_are_known_whatever_else_is_on_them() -> None:
    truth = [{"n1": Part(CPUS, 0), "n2": Part(CPUS, 0)}, {"n2": Part(2, 0), "n3": Part(5, 0)}]
    made = nodes(truth) | {"n2": SchedulerNode("allocated", total=resources(CPUS, GPUS))}
    jobs = solved(listed(truth), made)
    assert cpus(jobs["0"]) == [CPUS, CPUS]
    assert jobs["1"].per_node == ()


def test_two_jobs_that_share_their_nodes_are_not_known() -> None:
    truth = [{"n1": Part(3, 0), "n2": Part(1, 0)}, {"n1": Part(1, 0), "n2": Part(2, 0)}]
    assert [job.per_node for job in solved(listed(truth), nodes(truth)).values()] == [(), ()]


def test_gpus_may_be_known_where_cpus_are_not() -> None:
    truth = [{"n1": Part(3, 2), "n2": Part(1, 2)}, {"n1": Part(1, 0), "n2": Part(2, 0)}]
    first, second = solved(listed(truth), nodes(truth)).values()
    assert cpus(first) == [None, None]
    assert [part.count("gpu") for part in first.per_node] == [2, 2]
    assert second.per_node == ()


def test_a_job_without_gpus_has_none_of_each_node_whose_cpus_slurmrestd_reports() -> None:
    job = Job(
        "1",
        "running",
        nodes=("n1", "n2"),
        allocated=resources(4, 0),
        per_node=(Resources(3), Resources(1)),
    )
    assert solved(SlurmJobs((job,)), {})["1"].per_node == (resources(3, 0), resources(1, 0))


def test_a_job_of_a_node_that_is_not_listed_is_not_known() -> None:
    truth = [{"n1": Part(3, 0), "n2": Part(1, 0)}]
    without = {name: node for name, node in nodes(truth).items() if name != "n2"}
    assert solved(listed(truth), without)["0"].per_node == ()


def test_other_gres_than_gpus_stay_unknown() -> None:
    both = (Gres("gpu", 2, "h100"), Gres("shard", 2))
    job = Job("1", "running", nodes=("n1", "n2"), allocated=Resources(2, gres=both))
    made = (
        NodeParts().complete(SlurmJobs((job,)), nodes([{"n1": Part(1, 1), "n2": Part(1, 1)}])).jobs
    )
    assert made is not None
    assert list(made[0].per_node) == [Resources(1), Resources(1)]


def test_jobs_that_are_not_known_stay_so() -> None:
    unknown = SlurmJobs(None, note="why")
    assert NodeParts().complete(unknown, {}) is unknown


def test_a_job_whose_parts_are_the_same_as_at_the_last_poll_is_the_same_record() -> None:
    truth = [{"n1": Part(3, 0), "n2": Part(1, 0)}]
    changed = [*truth, {"n1": Part(2, 0)}]
    parts, jobs = NodeParts(), listed(truth)
    others = listed(changed).jobs or ()
    first, second, third = (
        parts.complete(one, nodes(of)).jobs or ()
        for one, of in ((jobs, truth), (SlurmJobs((*(jobs.jobs or ()), others[1])), changed),
                        (SlurmJobs((others[0],)), truth))
    )  # fmt: skip
    assert second[0] is first[0]
    assert third[0] == first[0]
    assert third[0] is not first[0]


@given(st.lists(TRUTHS, max_size=3))
def test_parts_are_those_of_one_poll_alone_whatever_was_polled_before(
    truths: Sequence[Truth],
) -> None:
    kept = NodeParts()
    for truth in truths:
        jobs, of = listed(truth), nodes(truth)
        for _ in range(2):
            assert kept.complete(jobs, of) == NodeParts().complete(jobs, of)
