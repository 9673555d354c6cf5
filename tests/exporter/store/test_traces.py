from collections.abc import Container

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.trace import TraceReport
from rackwatt_exporter.store.traces import PROCESSES_PER_JOB, TraceLimitError, TraceStore
from tests.exporter.schedulers.model.test_trace import report


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def accept(store: TraceStore, report: TraceReport, listed: Container[str] | None) -> None:
    store.accept(report.key, report, {}, listed)


def pids(store: TraceStore) -> list[int]:
    return [trace.report.pid for trace in store.traces()]


@pytest.mark.parametrize(
    "fields",
    [
        {"job_id": 2}, {"job_id": "1_1"}, {"step": "0"}, {"hostname": "cs3"}, {"rank": 1}, {"pid": 11},
    ],
)  # fmt: skip
def test_two_processes_never_overwrite_each_other(fields: dict[str, object]) -> None:
    store = TraceStore(10, 10.0)
    accept(store, report(job_id=1), None)
    accept(store, report(**{"job_id": 1, **fields}), None)
    assert len(list(store.traces())) == 2


def test_a_newer_report_takes_the_place_of_the_last_one() -> None:
    store = TraceStore(10, 10.0)
    accept(store, report(mem=1), None)
    accept(store, report(mem=2), None)
    (trace,) = store.traces()
    assert trace.report.mem == 2


def test_a_report_is_gone_once_it_is_older_than_allowed() -> None:
    clock = Clock()
    store = TraceStore(10, 10.0, clock)
    accept(store, report(pid=1), None)
    clock.now_s += 6
    accept(store, report(pid=2), None)
    clock.now_s += 4
    assert pids(store) == [1, 2]
    clock.now_s += 1
    assert pids(store) == [2]
    accept(store, report(pid=1), None)
    clock.now_s += 9
    assert pids(store) == [1]


def test_one_job_too_many_is_refused_and_the_others_stay() -> None:
    store = TraceStore(2, 10.0)
    for job in (1, 2):
        accept(store, report(job_id=job), None)
    with pytest.raises(TraceLimitError, match="no room for another job: maxJobs is 2"):
        accept(store, report(job_id=3), None)
    accept(store, report(job_id=2, rank=1), None)
    assert [trace.report.job for trace in store.traces()] == ["1", "2", "2"]


def test_a_listed_job_takes_the_room_of_one_that_is_not() -> None:
    store = TraceStore(2, 10.0)
    for job in ("1", "invented"):
        accept(store, report(job_id=job), {"1", "2", "3"})
    with pytest.raises(TraceLimitError):
        accept(store, report(job_id="invented too"), {"1", "2", "3"})
    accept(store, report(job_id="2"), {"1", "2", "3"})
    assert {trace.report.job for trace in store.traces()} == {"1", "2"}
    with pytest.raises(TraceLimitError):
        accept(store, report(job_id="3"), {"1", "2", "3"})


def test_a_stale_job_makes_room_for_another() -> None:
    clock = Clock()
    store = TraceStore(1, 10.0, clock)
    accept(store, report(job_id=1), None)
    clock.now_s += 11
    accept(store, report(job_id=2), None)
    assert [trace.report.job for trace in store.traces()] == ["2"]


def test_one_job_may_have_all_processes_and_no_more() -> None:
    store = TraceStore(1, 10.0)
    for pid in range(1, PROCESSES_PER_JOB + 1):
        accept(store, report(pid=pid), None)
    with pytest.raises(TraceLimitError, match="no room for another process: 16 are traced"):
        accept(store, report(pid=99), None)
    accept(store, report(pid=1), None)


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 40), st.floats(0, 4)), max_size=100),
    st.integers(1, 3),
)
def test_the_store_stays_within_its_limits_and_forgets_nothing_new(
    reports: list[tuple[int, int, float]], max_jobs: int
) -> None:
    clock = Clock()
    store = TraceStore(max_jobs, 10.0, clock)
    last: dict[tuple[int, int], float] = {}
    for job, pid, pause_s in reports:
        clock.now_s += pause_s
        try:
            accept(store, report(job_id=job, pid=pid), None)
        except TraceLimitError:
            continue
        last[job, pid] = clock.now_s
    found = {(int(one.report.job), one.report.pid) for one in store.traces()}
    assert found == {key for key, at_s in last.items() if clock.now_s - at_s <= 10}
    assert len({job for job, _ in found}) <= max_jobs
    assert len(found) <= max_jobs * PROCESSES_PER_JOB


def test_a_task_that_is_reported_by_its_number_and_by_its_id_is_one_job() -> None:
    """A wrapper sends SLURM_JOB_ID, another one the id that users know."""
    store = TraceStore(2, 10.0)
    by_number, by_id = report(job_id=19, pid=1), report(job_id="2_1", pid=2)
    named = report(job_id="2_1", pid=1)
    store.accept(by_number.key, named, {}, None)
    accept(store, by_id, None)
    accept(store, report(job_id=20), None)
    with pytest.raises(TraceLimitError):
        accept(store, report(job_id=21), None)


def test_a_task_whose_id_is_known_later_is_one_job_from_then_on() -> None:
    store = TraceStore(2, 10.0)
    by_number = report(job_id=19, pid=1)
    accept(store, by_number, None)
    accept(store, report(job_id="2_1", pid=2), None)
    store.rename(by_number.key, report(job_id="2_1", pid=1), {})
    accept(store, report(job_id=20), None)
    assert len(list(store.traces())) == 3
