"""Numbers of jobs of each kind, kept up to date from one snapshot to the next.

Few jobs differ between two polls, and those that do not are the same records: what is counted of
the last snapshot is counted again only for the records that have gone and come. Jobs are counted
and no amounts are added up, so that a tally is exact however many snapshots it has followed.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Self, TypeVar

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import WAITING
from rackwatt_exporter.schedulers.model.resources import Resources

_MAX_REASON = 60
# By the fields of spec.metrics. A job that waits in several partitions is in each of them.
_GROUPS: Mapping[str, Callable[[Job], Iterable[str]]] = {
    "partitions": lambda job: job.partitions or ("",),
    "users": lambda job: (job.user,),
    "accounts": lambda job: (job.account,),
}

Key = TypeVar("Key", bound=Hashable)


class JobKind(NamedTuple):
    """What jobs of one group have in common that families show."""

    group: str
    state: str
    allocated: Resources | None
    requested: Resources | None


class JobChanges(NamedTuple):
    """The records that only the snapshot before has, and those that only this one has."""

    gone: Sequence[Job]
    come: Sequence[Job]

    @classmethod
    def between(cls, last: Sequence[Job], jobs: Sequence[Job]) -> Self:
        """Compare two snapshots: a record that is in both is the same object."""
        before, after = set(map(id, last)), set(map(id, jobs))
        return cls(
            [job for job in last if id(job) not in after],
            [job for job in jobs if id(job) not in before],
        )


@dataclass(slots=True)
class JobTally:
    """The jobs of one snapshot, each task of an array counted.

    `states` are by state, `reasons` those that wait by their plain reason, `features` those that
    request a feature, by what they hold. `groups` are by kind, for each field of spec.metrics that
    groups jobs. `undivided` hold several nodes, and it is not known how much of each.
    """

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    features: Counter[tuple[str, Resources | None]] = field(default_factory=Counter)
    groups: Mapping[str, Counter[JobKind]] = field(
        default_factory=lambda: {name: Counter() for name in _GROUPS}
    )
    undivided: int = 0

    @classmethod
    def of(cls, jobs: Iterable[Job]) -> Self:
        """Count jobs."""
        tally = cls()
        for job in jobs:
            tally._count(job, 1)
        return tally

    def after(self, changes: JobChanges) -> "JobTally":
        """Return the tally of the next snapshot; this one stays as it is."""
        following = JobTally(
            Counter(self.states),
            Counter(self.reasons),
            Counter(self.features),
            {name: Counter(kinds) for name, kinds in self.groups.items()},
            self.undivided,
        )
        for job in changes.gone:
            following._count(job, -1)
        for job in changes.come:
            following._count(job, 1)
        return following

    def _count(self, job: Job, sign: int) -> None:
        tasks = sign * job.tasks
        _add(self.states, job.state, tasks)
        if job.state in WAITING:
            _add(self.reasons, plain_reason(job.reason), tasks)
        for feature in job.features:
            _add(self.features, (feature, job.allocated), tasks)
        for name, groups_of in _GROUPS.items():
            for group in groups_of(job):
                kind = JobKind(group, job.state, job.allocated, job.requested)
                _add(self.groups[name], kind, tasks)
        self.undivided += sign * _is_undivided(job)


@lru_cache(4096)
def plain_reason(reason: str) -> str:
    """Return a reason without the names of nodes and other details that it ends in."""
    head = reason.partition(",")[0].partition("(")[0].partition(":")[0].strip()
    return head[:_MAX_REASON]


def _add(counter: Counter[Key], key: Key, count: int) -> None:
    """Add to a count; what there is none of is not counted at all."""
    total = counter[key] + count
    if total:
        counter[key] = total
    else:
        del counter[key]


def _is_undivided(job: Job) -> bool:
    """Return whether a job holds several nodes, and not all of its parts of them are known."""
    if len(job.nodes) < 2 or job.allocated is None:
        return False
    return not job.per_node or any(part.cpus is None for part in job.per_node)
