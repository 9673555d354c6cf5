"""Families of each job: no more of them than the document allows, and no sum is changed."""

from rackwatt_exporter.config.scheduler import MetricsOptions, PerJobOptions
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.per_job import samples


def holding(name: str, cpus: int, gpus: int = 0) -> Job:
    held = Resources(cpus, cpus * 2**30, (Gres("gpu", gpus, "a100"),) if gpus else ())
    return Job(name, "running", user="alice", partitions=("batch",), allocated=held)


JOBS = (
    holding("1", 4), holding("2", 64), holding("3", 1, gpus=2), holding("4", 8),
    Job("5", "pending", requested=Resources(99)), Job("6", "failed"),
)  # fmt: skip


def numbers(options: PerJobOptions) -> dict[tuple[str, ...], float]:
    snapshot = SchedulerSnapshot({}, jobs=JOBS)
    return {
        (family.name.removeprefix("rackwatt_scheduler_job_"), *labels): value
        for family, labels, value in samples(snapshot, MetricsOptions(per_job=options))
    }


def test_no_job_has_series_unless_a_document_wants_them() -> None:
    assert numbers(PerJobOptions()) == {}


def test_jobs_beyond_the_maximum_are_one_so_that_sums_stay() -> None:
    page = numbers(PerJobOptions(enabled=True, max=2))
    assert [key[1] for key in page if key[0] == "info"] == ["3", "2"]
    assert page["info", "2", "alice", "", "batch", "running"] == 1
    assert page["allocated_cpus", "other"] == 12
    assert sum(value for key, value in page.items() if key[0] == "allocated_cpus") == 77
    assert page["allocated_gpus", "3", "a100"] == 2


def test_a_job_that_waits_or_has_ended_has_no_series() -> None:
    page = numbers(PerJobOptions(enabled=True))
    assert {key[1] for key in page} == {"1", "2", "3", "4"}
