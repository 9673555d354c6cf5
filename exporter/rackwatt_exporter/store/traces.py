"""The store of traces: the last report of each process of each job, as long as it is new.

Jobs send reports by themselves, so nothing here is polled and everything is bounded: the number of
jobs, and that of their processes. A job that the scheduler lists takes the room of one that it does
not, so that invented jobs do not keep out real ones.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.trace import ProcessKey, TraceReport
from rackwatt_exporter.schedulers.views.traces import ProcessText

PROCESSES_PER_JOB = 16
"""How many processes there may be for each job that there may be; one job may have them all."""


class TraceLimitError(Exception):
    """There is no room for another job or process; the message says which limit it is."""


class Trace(NamedTuple):
    """The last report of a process, its text, and when it came (monotonic seconds).

    The report has the id of its job where that is known, and its key the job as it was reported.
    """

    report: TraceReport
    text: ProcessText
    received_at_s: float


class TraceStore:
    """All traces of one scheduler's jobs, the oldest first."""

    def __init__(
        self, max_jobs: int, stale_after_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.max_jobs = max_jobs
        self.stale_after_s = stale_after_s
        self.results: Counter[str] = Counter()
        self._clock = clock
        self._traces: dict[ProcessKey, Trace] = {}
        self._jobs: defaultdict[str, set[ProcessKey]] = defaultdict(set)

    def accept(
        self,
        key: ProcessKey,
        report: TraceReport,
        text: ProcessText,
        listed: Container[str] | None,
    ) -> None:
        """Keep a report and its text in the place of the last one of its process.

        `listed` are the jobs that the scheduler lists; None where they are not known.

        Raises:
            TraceLimitError: it is of another job or process than all that there is room for.
        """
        self.withdraw_stale()
        if key not in self._traces:
            self._make_room(report.job, listed)
        else:
            self._remove(key)
        self._traces[key] = Trace(report, text, self._clock())
        self._jobs[report.job].add(key)

    def traces(self) -> Iterator[Trace]:
        """Go through all traces that are not stale, the oldest first."""
        self.withdraw_stale()
        return iter(self._traces.values())

    def keyed(self) -> Iterator[tuple[ProcessKey, Trace]]:
        """Go through all traces that are not stale, with their keys."""
        self.withdraw_stale()
        return iter(self._traces.items())

    def job_of(self, key: ProcessKey) -> str | None:
        """Return the job that the last report of a process has; None where there is none."""
        trace = self._traces.get(key)
        return trace.report.job if trace else None

    def rename(self, key: ProcessKey, report: TraceReport, text: ProcessText) -> None:
        """Keep the last report of a process under another id of its job; it is as old as it was."""
        before = self._traces[key]
        self._leave(before.report.job, key)
        self._jobs[report.job].add(key)
        self._traces[key] = Trace(report, text, before.received_at_s)

    def withdraw_stale(self) -> None:
        """Remove every trace that is too old by now."""
        oldest_s = self._clock() - self.stale_after_s
        while self._traces:
            key = next(iter(self._traces))
            if self._traces[key].received_at_s >= oldest_s:
                return
            self._remove(key)

    def _make_room(self, job: str, listed: Container[str] | None) -> None:
        if job not in self._jobs and len(self._jobs) >= self.max_jobs:
            unlisted = None
            if listed is not None and job in listed:
                unlisted = next((other for other in self._jobs if other not in listed), None)
            if unlisted is None:
                raise TraceLimitError(f"no room for another job: maxJobs is {self.max_jobs}")
            for process in tuple(self._jobs[unlisted]):
                self._remove(process)
        limit = self.max_jobs * PROCESSES_PER_JOB
        if len(self._traces) >= limit:
            raise TraceLimitError(f"no room for another process: {limit} are traced already")

    def _remove(self, key: ProcessKey) -> None:
        self._leave(self._traces.pop(key).report.job, key)

    def _leave(self, job: str, key: ProcessKey) -> None:
        processes = self._jobs[job]
        processes.remove(key)
        if not processes:
            del self._jobs[job]
