"""Jobs by the id that their processes have, those that just ended among them.

Rates cover a range that has passed, so that a job which has ended still has I/O. Most schedulers
list an ended job for some minutes; `grace` is how long one is kept after that.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.job import Job


class JobOwner(NamedTuple):
    """The account and the user of a job."""

    account: str
    user: str


class JobIndex:
    """The owner of each job id. It keeps those of the last snapshot, and of those that ended."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._jobs: tuple[Job, ...] | None = None
        self._listed: Mapping[str, JobOwner] = {}
        self._listed_at_s = 0.0
        self._ended: dict[str, tuple[JobOwner, float]] = {}

    def update(self, jobs: tuple[Job, ...], at_s: float) -> None:
        """Take the jobs of a snapshot of this time; those of the same snapshot are known."""
        if jobs is not self._jobs:
            present = owners(jobs)
            for jobid in self._listed.keys() - present.keys():
                self._ended[jobid] = self._listed[jobid], self._listed_at_s
            self._jobs, self._listed = jobs, present
        self._listed_at_s = at_s

    def withdraw(self) -> None:
        """Count every job as ended when it was last listed: the scheduler does not answer."""
        self.update((), self._listed_at_s)

    def current(self, now_s: float) -> Mapping[str, JobOwner]:
        """Return the owners of all jobs that are listed, or were so recently."""
        since_s = now_s - self._grace_s
        self._ended = {
            jobid: (owner, at_s)
            for jobid, (owner, at_s) in self._ended.items()
            if at_s >= since_s and jobid not in self._listed
        }
        return {**{jobid: owner for jobid, (owner, _) in self._ended.items()}, **self._listed}


def owners(jobs: Iterable[Job]) -> dict[str, JobOwner]:
    """Return the owner of each id that a process of a job may have.

    That is the number or the id of the job, and the id of its array or heterogeneous job. An id
    that jobs of several owners have is left out.
    """
    exact: dict[str, JobOwner | None] = {}
    aliases: dict[str, JobOwner | None] = {}
    shared: dict[tuple[str, str], JobOwner] = {}
    for job in jobs:
        pair = job.account, job.user
        owner = shared.get(pair) or shared.setdefault(pair, JobOwner(*pair))
        _add(exact, job.id, owner)
        for found, jobid in ((exact, job.number), (aliases, job.array), (aliases, job.het)):
            if jobid:
                _add(found, jobid, owner)
    return {jobid: owner for jobid, owner in (aliases | exact).items() if owner is not None}


def _add(found: dict[str, JobOwner | None], jobid: str, owner: JobOwner) -> None:
    if found.setdefault(jobid, owner) is not owner:
        found[jobid] = None
