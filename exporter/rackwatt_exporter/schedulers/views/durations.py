"""Histograms of how long jobs waited and ran, counted over the snapshots of one scheduler.

A job counts when a snapshot first has its start, or its end: once, whatever the interval. What had
happened before the first snapshot does not count, since nothing says what else had. A job that a
snapshot lacks may be in the next one again, as where a list was cut: what had happened to it is
remembered for some snapshots.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set

from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import labels
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.views.job_tally import JobChanges
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_LABELS = (*SCHEDULER_LABELS, "partition")
_BUCKETS_S = (10, 60, 300, 900, 3600, 14_400, 43_200, 86_400, 259_200, 604_800)
_BOUNDS = (*map(float, _BUCKETS_S), float("inf"))
_NONE = (0,) * len(_BOUNDS)

WAIT = MetricFamily(
    "rackwatt_scheduler_job_wait_seconds",
    "histogram",
    "Time from submission to start of jobs that have started since the first poll.",
    _LABELS,
    "seconds",
)
RUN = MetricFamily(
    "rackwatt_scheduler_job_run_seconds",
    "histogram",
    "Time from start to end of jobs that have ended since the first poll, in any way.",
    _LABELS,
    "seconds",
)
FAMILIES = (WAIT, RUN)

# Snapshots that jobs have gone in, and events of them, that are remembered; the last one whole.
_MAX_GONE = 32
_MAX_EVENTS = 200_000

_Event = tuple[str, int]


class JobDurations:
    """What has been counted of one scheduler's jobs; it does not change."""

    def __init__(self) -> None:
        self._counts: dict[MetricFamily, dict[str, Sequence[int]]] = {
            family: {} for family in FAMILIES
        }
        self._sums: dict[MetricFamily, Counter[str]] = {family: Counter() for family in FAMILIES}
        self._gone: dict[MetricFamily, Sequence[Set[_Event]]] = dict.fromkeys(FAMILIES, ())

    def after(self, changes: JobChanges) -> "JobDurations":
        """Return what is counted with the starts and ends that the next snapshot adds."""
        following = JobDurations()
        for family in FAMILIES:
            following._counts[family] = dict(self._counts[family])
            following._sums[family] = Counter(self._sums[family])
            known, new = (dict(_events(family, jobs)) for jobs in changes)
            gone = self._gone[family]
            for event in (new.keys() - known.keys()).difference(*gone):
                following._count(family, new[event])
            following._gone[family] = _remembered(gone, known.keys() - new.keys())
        return following

    def lines(self, scheduler: tuple[str, str], family: MetricFamily) -> Iterator[str]:
        """Write the histogram of each partition."""
        for partition, counts in self._counts[family].items():
            pairs = tuple(zip(_LABELS, (*scheduler, partition), strict=True))
            total = 0
            for bound, count in zip(_BOUNDS, counts, strict=True):
                total += count
                le = "+Inf" if bound == _BOUNDS[-1] else str(bound)
                yield f"{family.name}_bucket{labels((*pairs, ('le', le)))} {total}\n"
            yield f"{family.name}_sum{labels(pairs)} {self._sums[family][partition]}\n"
            yield f"{family.name}_count{labels(pairs)} {total}\n"

    def _count(self, family: MetricFamily, job: Job) -> None:
        start_s, end_s = _interval(family, job)
        if start_s is None or end_s is None:
            return
        seconds = max(0, end_s - start_s)  # clocks of hosts differ
        partition = job.partitions[0] if job.partitions else ""
        counts = list(self._counts[family].get(partition, _NONE))
        counts[bisect_left(_BOUNDS, seconds)] += 1
        self._counts[family][partition] = counts
        self._sums[family][partition] += seconds


def _remembered(before: Sequence[Set[_Event]], gone: Set[_Event]) -> Sequence[Set[_Event]]:
    """Return what is remembered with the events of jobs that have gone now."""
    events = (*before, gone)[-_MAX_GONE:] if gone else before
    while len(events) > 1 and sum(map(len, events)) > _MAX_EVENTS:
        events = events[1:]
    return events


def _events(family: MetricFamily, jobs: Iterable[Job]) -> Iterator[tuple[_Event, Job]]:
    """Go through the starts, or the ends, of jobs: an id and a time, each with its job."""
    for job in jobs:
        _, at_s = _interval(family, job)
        if at_s is not None:
            yield (job.id, at_s), job


def _interval(family: MetricFamily, job: Job) -> tuple[int | None, int | None]:
    if family is WAIT:
        return job.submitted_at_s, job.started_at_s
    return job.started_at_s, job.ended_at_s
