"""Histograms of waiting and running: each start and each end counts once."""

import pytest

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.views import durations
from rackwatt_exporter.schedulers.views.durations import RUN, WAIT
from rackwatt_exporter.schedulers.views.observed_jobs import ObservedJobs


def job(name: str, start_s: int | None = None, end_s: int | None = None) -> Job:
    return Job(
        name, "running", partitions=("batch",), submitted_at_s=1000, started_at_s=start_s,
        ended_at_s=end_s,
    )  # fmt: skip


def page(*snapshots: tuple[Job, ...] | None) -> dict[str, int]:
    observed = ObservedJobs()
    for jobs in snapshots:
        observed = observed.after(jobs)
    common = 'scheduler="prod",cluster="alpha",partition="batch"'
    samples: dict[str, int] = {}
    for family in (WAIT, RUN):
        for line in observed.durations.lines(("prod", "alpha"), family):
            name, number = line.rsplit(" ", 1)
            name = name.replace(common, "").replace("rackwatt_scheduler_job_", "")
            samples[name.replace("{}", "").replace("{,", "{")] = int(number)
    return samples


def test_what_had_happened_before_the_first_snapshot_does_not_count() -> None:
    assert page((job("1", 1100), job("2", 1100, 1200))) == {}


def test_a_job_that_starts_counts_once_in_the_bucket_of_its_wait() -> None:
    started = job("1", 1090)
    samples = page((job("1"),), (started,), (started,))
    assert samples["wait_seconds_count"] == 1
    assert samples["wait_seconds_sum"] == 90
    assert samples['wait_seconds_bucket{le="60.0"}'] == 0
    assert samples['wait_seconds_bucket{le="300.0"}'] == 1
    assert samples['wait_seconds_bucket{le="+Inf"}'] == 1
    assert "run_seconds_count" not in samples


def test_a_job_that_came_and_ended_between_two_snapshots_counts_in_both() -> None:
    samples = page((), (job("1", 1010, 1070),))
    assert (samples["wait_seconds_sum"], samples["run_seconds_sum"]) == (10, 60)
    assert samples['wait_seconds_bucket{le="10.0"}'] == 1
    assert samples['run_seconds_bucket{le="60.0"}'] == 1


def test_a_job_that_is_requeued_counts_again() -> None:
    samples = page((job("1"),), (job("1", 1100),), (job("1"),), (job("1", 5000),))
    assert samples["wait_seconds_count"] == 2


def test_a_job_that_one_snapshot_lacks_counts_once() -> None:
    """squeue's output was cut once, with exit status 0."""
    old, ended, new = job("1", 1100), job("2", 1100, 1200), job("3", 1300, 1400)
    whole = (old, ended, new)
    samples = page((old, ended), whole, (old,), whole, (), whole)
    assert (samples["wait_seconds_count"], samples["run_seconds_count"]) == (1, 1)
    assert page(whole, (), whole) == {}


def test_few_events_are_remembered_of_many_jobs_that_go(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = job("1", 1100), job("2", 1200)
    assert page((first, second), (second,), (), (second,)) == {}
    monkeypatch.setattr(durations, "_MAX_EVENTS", 1)
    assert page((first, second), (second,), (), (first, second))["wait_seconds_sum"] == 100
    monkeypatch.setattr(durations, "_MAX_EVENTS", 10)
    monkeypatch.setattr(durations, "_MAX_GONE", 1)
    assert page((first, second), (second,), (), (first, second))["wait_seconds_sum"] == 100


def test_a_snapshot_without_jobs_forgets_nothing() -> None:
    started = job("1", 1100)
    samples = page((job("1"),), (started,), None, (started, job("2", 1200)))
    assert samples["wait_seconds_count"] == 2


def test_clocks_an_hour_apart_make_no_negative_wait() -> None:
    samples = page((), (job("1", 1),))
    assert (samples["wait_seconds_sum"], samples['wait_seconds_bucket{le="10.0"}']) == (0, 1)
