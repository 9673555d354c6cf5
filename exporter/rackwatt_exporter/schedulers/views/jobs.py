"""Families of a scheduler's jobs: how many are in each state, why they wait, and what they hold.

A task of an array is a job, waiting or not. What is held is that of jobs that have their nodes now:
a job that waits or has ended holds nothing. A job that waits in several partitions is in each of
them, and once in what is not by partition.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.job_state import JobState
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.job_tally import JobKind, JobTally
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_KNOWN_STATES = frozenset(JobState)

# So much for each of so many jobs.
_Amount = tuple[Resources, int]

KNOWN = MetricFamily(
    "rackwatt_scheduler_jobs_known",
    "gauge",
    "1 if the scheduler's last answer has its jobs, 0 if they could not be read: they are unknown "
    "then, not none.",
    SCHEDULER_LABELS,
)
UNREAD = MetricFamily(
    "rackwatt_scheduler_unread_jobs",
    "gauge",
    "Number of jobs of the scheduler's last answer that could not be read.",
    SCHEDULER_LABELS,
)
UNKNOWN = MetricFamily(
    "rackwatt_scheduler_unknown_state_jobs",
    "gauge",
    "Number of jobs in a state that this release does not know; it is served as it is.",
    SCHEDULER_LABELS,
)
JOBS = MetricFamily(
    "rackwatt_scheduler_jobs",
    "gauge",
    "Number of jobs in each state, each task of an array counted; those that ended as long as the "
    "scheduler lists them.",
    (*SCHEDULER_LABELS, "state"),
)
PENDING = MetricFamily(
    "rackwatt_scheduler_pending_jobs",
    "gauge",
    "Number of jobs that wait, by the reason that the scheduler gives, without names of nodes.",
    (*SCHEDULER_LABELS, "reason"),
)

UNDIVIDED = MetricFamily(
    "rackwatt_scheduler_undivided_jobs",
    "gauge",
    "Number of jobs that hold several nodes and of which it is not known how many CPUs of each.",
    SCHEDULER_LABELS,
)


class _GroupFamilies(NamedTuple):
    """What jobs are counted and summed by, and the families of it."""

    jobs: MetricFamily
    cpus: MetricFamily
    memory: MetricFamily
    gpus: MetricFamily

    @classmethod
    def of(cls, label: str) -> "_GroupFamilies":
        name, labels = f"rackwatt_scheduler_{label}", (*SCHEDULER_LABELS, label)
        return cls(
            MetricFamily(
                f"{name}_jobs",
                "gauge",
                f"Number of jobs of each {label} in each state, each task of an array counted.",
                (*labels, "state"),
            ),
            MetricFamily(
                f"{name}_allocated_cpus",
                "gauge",
                f"Number of CPUs that jobs of the {label} hold.",
                labels,
            ),
            MetricFamily(
                f"{name}_allocated_memory_bytes",
                "gauge",
                f"Memory that jobs of the {label} hold.",
                labels,
                "bytes",
            ),
            MetricFamily(
                f"{name}_allocated_gpus",
                "gauge",
                f"Number of GPUs that jobs of the {label} hold, by type.",
                (*labels, "type"),
            ),
        )


BY_PARTITION = _GroupFamilies.of("partition")
BY_USER = _GroupFamilies.of("user")
BY_ACCOUNT = _GroupFamilies.of("account")
_GROUPS = {"partitions": BY_PARTITION, "users": BY_USER, "accounts": BY_ACCOUNT}
FAMILIES = (
    KNOWN, UNREAD, UNKNOWN, JOBS, PENDING, UNDIVIDED, *BY_PARTITION, *BY_USER, *BY_ACCOUNT,
)  # fmt: skip


def job_counts(snapshot: SchedulerSnapshot) -> Counter[str]:
    """Count jobs by state, each task of an array."""
    counts: Counter[str] = Counter()
    for job in snapshot.jobs or ():
        counts[job.state] += job.tasks
    return counts


def samples(
    snapshot: SchedulerSnapshot, tally: JobTally, options: MetricsOptions
) -> Iterator[Sample]:
    """Go through the samples of all jobs; where jobs are not known, that is the only one.

    `tally` is that of the snapshot's jobs.
    """
    yield Sample(KNOWN, (), int(snapshot.jobs is not None))
    if snapshot.jobs is None:
        return
    yield Sample(UNREAD, (), snapshot.unread_jobs)
    if options.jobs:
        yield from _states_and_reasons(tally)
    if options.shares_nodes:
        yield Sample(UNDIVIDED, (), tally.undivided)
    for name, families in _GROUPS.items():
        if getattr(options, name):
            yield from _grouped(families, tally.groups[name])


def _states_and_reasons(tally: JobTally) -> Iterator[Sample]:
    for state, count in tally.states.items():
        yield Sample(JOBS, (state,), count)
    unknown = (count for state, count in tally.states.items() if state not in _KNOWN_STATES)
    yield Sample(UNKNOWN, (), sum(unknown))
    for reason, count in tally.reasons.items():
        yield Sample(PENDING, (reason,), count)


def _grouped(families: _GroupFamilies, kinds: Mapping[JobKind, int]) -> Iterator[Sample]:
    """Count the jobs of each group by state, and add up what they hold."""
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    held: defaultdict[str, list[_Amount]] = defaultdict(list)
    for (group, state, allocated, _), count in kinds.items():
        counts[group, state] += count
        if allocated is not None:
            held[group].append((allocated, count))
    for key, count in counts.items():
        yield Sample(families.jobs, key, count)
    for group, amounts in held.items():
        yield from _held(families, group, amounts)


def _held(families: _GroupFamilies, group: str, amounts: Sequence[_Amount]) -> Iterator[Sample]:
    cpus = [one.cpus * count for one, count in amounts if one.cpus is not None]
    memory = [one.memory_bytes * count for one, count in amounts if one.memory_bytes is not None]
    gpus: Counter[str] = Counter()
    for one, count in amounts:
        for kind, number in one.by_type("gpu").items():
            gpus[kind] += number * count
    if cpus:
        yield Sample(families.cpus, (group,), sum(cpus))
    if memory:
        yield Sample(families.memory, (group,), sum(memory))
    for kind, number in gpus.items():
        yield Sample(families.gpus, (group, kind), number)
