"""Counters of a scheduler's jobs, which continue from one snapshot to the next."""

from collections.abc import Sequence
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.views.durations import JobDurations
from rackwatt_exporter.schedulers.views.job_tally import JobChanges, JobTally


class ObservedJobs(NamedTuple):
    """The last jobs that were known, None before the first; their tally; the durations until now.

    It never changes: each snapshot has its own, so that what is made of one in another thread does
    not show in what is served of the last.
    """

    jobs: Sequence[Job] | None = None
    tally: JobTally = JobTally()
    durations: JobDurations = JobDurations()

    def after(self, jobs: Sequence[Job] | None) -> "ObservedJobs":
        """Return what is counted with the next snapshot; one whose jobs are not known adds nothing.

        What had happened before the first one is not among the durations.
        """
        if jobs is None or jobs is self.jobs:
            return self
        if self.jobs is None:
            return ObservedJobs(jobs, JobTally.of(jobs), self.durations)
        changes = JobChanges.between(self.jobs, jobs)
        is_new = 2 * len(changes.gone) > len(self.jobs)  # then to count all is less
        tally = JobTally.of(jobs) if is_new else self.tally.after(changes)
        return ObservedJobs(jobs, tally, self.durations.after(changes))
