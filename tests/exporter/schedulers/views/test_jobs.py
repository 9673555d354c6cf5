"""Families of a scheduler's jobs, made of snapshots."""

import pytest

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.job_tally import JobTally, plain_reason
from rackwatt_exporter.schedulers.views.jobs import KNOWN, samples

GIB = 2**30
HELD = Resources(8, 32 * GIB, (Gres("gpu", 2, "a100"),))
JOBS = (
    Job("1", "running", user="alice", account="phys", partitions=("gpu",), allocated=HELD),
    Job("2", "running", user="bob", account="phys", partitions=("gpu",), allocated=HELD),
    Job("3", "running", user="bob", partitions=("batch",), allocated=Resources(1, GIB, ())),
    Job("8", "pending", tasks=20_000, user="alice", account="phys", partitions=("batch", "gpu"),
        reason="Priority", requested=HELD),
    Job("9", "pending", user="bob", reason="ReqNodeNotAvail, UnavailableNodes:n[1-99]"),
    Job("10", "failed", user="alice", account="phys", partitions=("batch",)),
)  # fmt: skip


def numbers(*jobs: Job, options: MetricsOptions | None = None) -> dict[tuple[str, ...], float]:
    snapshot = SchedulerSnapshot({}, jobs=jobs)
    return {
        (family.name.removeprefix("rackwatt_scheduler_"), *labels): value
        for family, labels, value in samples(
            snapshot, JobTally.of(jobs), options or MetricsOptions()
        )
    }


def test_each_task_of_an_array_is_a_job() -> None:
    page = numbers(*JOBS)
    assert page["jobs", "pending"] == 20_001
    assert page["jobs", "running"] == 3
    assert page["user_jobs", "alice", "pending"] == 20_000
    assert page["user_jobs", "alice", "failed"] == 1


def test_a_job_that_waits_or_has_failed_holds_nothing() -> None:
    page = numbers(*JOBS)
    assert page["user_allocated_cpus", "alice"] == 8
    assert page["user_allocated_memory_bytes", "alice"] == 32 * GIB
    assert page["user_allocated_gpus", "alice", "a100"] == 2


def test_jobs_on_several_nodes_are_counted_unless_their_cpus_of_each_are_known() -> None:
    held = Resources(4)
    nodes = ("n1", "n2")
    parts = (Resources(3), Resources(1))
    known = Job("1", "running", allocated=held, nodes=nodes, per_node=parts)
    total = Job("2", "running", allocated=held, nodes=nodes)
    gpus = Job("3", "running", allocated=held, nodes=nodes, per_node=(Resources(gres=()),) * 2)
    one = Job("4", "running", allocated=held, nodes=("n1",), per_node=(held,))
    assert numbers(known, one)["undivided_jobs",] == 0
    assert numbers(known, total, gpus, one)["undivided_jobs",] == 2


def test_sums_by_user_account_and_partition_are_those_of_all_jobs() -> None:
    page = numbers(*JOBS)
    for label in ("user", "account", "partition"):
        cpus = [value for (name, *_), value in page.items() if name == f"{label}_allocated_cpus"]
        gpus = [value for (name, *_), value in page.items() if name == f"{label}_allocated_gpus"]
        assert (sum(cpus), sum(gpus)) == (17, 4)
    assert (
        page["account_allocated_cpus", ""] == 1
    )  # a job without an account is in no other account


def test_a_job_that_waits_in_two_partitions_is_in_each_and_once_in_the_total() -> None:
    page = numbers(*JOBS)
    assert page["partition_jobs", "batch", "pending"] == 20_000
    assert page["partition_jobs", "gpu", "pending"] == 20_000
    assert not any("batch,gpu" in key for key in page)
    assert page["jobs", "pending"] == 20_001


@pytest.mark.parametrize(
    ("reason", "plain"),
    [
        ("Priority", "Priority"),
        ("ReqNodeNotAvail, UnavailableNodes:n[1-99]", "ReqNodeNotAvail"),
        ("ReqNodeNotAvail(Unavailable:n1)", "ReqNodeNotAvail"),
        (
            "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher partitions",
            "Nodes required for job are DOWN",
        ),
        ("", ""),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_reason_to_wait_names_no_node(reason: str, plain: str) -> None:
    assert plain_reason(reason) == plain
    assert numbers(Job("1", "pending", reason=reason))["pending_jobs", plain] == 1


def test_unknown_states_are_passed_on_and_counted() -> None:
    page = numbers(Job("1", "entangled"), *JOBS)
    assert page["jobs", "entangled"] == 1
    assert page["unknown_state_jobs",] == 1


def test_jobs_that_are_not_known_are_said_to_be_so_and_no_job_has_a_count() -> None:
    assert list(samples(SchedulerSnapshot({}), JobTally(), MetricsOptions())) == [
        Sample(KNOWN, (), 0)
    ]
    assert numbers() == {
        ("jobs_known",): 1, ("unread_jobs",): 0, ("unknown_state_jobs",): 0, ("undivided_jobs",): 0,
    }  # fmt: skip


def test_only_the_families_that_a_document_wants_are_made() -> None:
    options = MetricsOptions(jobs=False, partitions=False, accounts=False)
    names = {name for name, *_ in numbers(*JOBS, options=options)}
    assert names == {
        "jobs_known", "unread_jobs", "undivided_jobs", "user_jobs", "user_allocated_cpus",
        "user_allocated_memory_bytes", "user_allocated_gpus",
    }  # fmt: skip


def test_a_partition_without_a_job_holds_nothing_of_the_nodes_that_it_shares() -> None:
    node = SchedulerNode("mixed", partitions=("gpu", "batch"), allocated=HELD)
    snapshot = SchedulerSnapshot({"n1": node}, jobs=JOBS[:1])
    page = {
        (family.name, *labels): value
        for family, labels, value in samples(snapshot, JobTally.of(JOBS[:1]), MetricsOptions())
    }
    name = "rackwatt_scheduler_partition_allocated_cpus"
    assert {key: value for key, value in page.items() if key[0] == name and value} == {
        (name, "gpu"): 8
    }
