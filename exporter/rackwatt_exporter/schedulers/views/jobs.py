"""Families of a scheduler's jobs: how many are in each state, why they wait, and what they hold.

A task of an array is a job, waiting or not. What is held is that of jobs that have their nodes now:
a job that waits or has ended holds nothing. A job that waits in several partitions is in each of
them, and once in what is not by partition.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import WAITING, JobState
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_KNOWN_STATES = frozenset(JobState)
_MAX_REASON = 60

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
FAMILIES = (
    KNOWN, UNREAD, UNKNOWN, JOBS, PENDING, UNDIVIDED, *BY_PARTITION, *BY_USER, *BY_ACCOUNT,
)  # fmt: skip


def job_counts(snapshot: SchedulerSnapshot) -> Counter[str]:
    """Count jobs by state, each task of an array."""
    counts: Counter[str] = Counter()
    for job in snapshot.jobs or ():
        counts[job.state] += job.tasks
    return counts


def samples(snapshot: SchedulerSnapshot, options: MetricsOptions) -> Iterator[Sample]:
    """Go through the samples of all jobs; where jobs are not known, that is the only one."""
    yield Sample(KNOWN, (), int(snapshot.jobs is not None))
    if snapshot.jobs is None:
        return
    yield Sample(UNREAD, (), snapshot.unread_jobs)
    if options.jobs:
        yield from _states_and_reasons(snapshot)
    if options.shares_nodes:
        yield Sample(UNDIVIDED, (), sum(map(_is_undivided, snapshot.jobs)))
    if options.partitions:
        partitions = ((name, job) for job in snapshot.jobs for name in job.partitions or ("",))
        yield from _grouped(BY_PARTITION, partitions)
    if options.users:
        yield from _grouped(BY_USER, ((job.user, job) for job in snapshot.jobs))
    if options.accounts:
        yield from _grouped(BY_ACCOUNT, ((job.account, job) for job in snapshot.jobs))


def plain_reason(reason: str) -> str:
    """Return a reason without the names of nodes and other details that it ends in."""
    head = reason.partition(",")[0].partition("(")[0].partition(":")[0].strip()
    return head[:_MAX_REASON]


def _states_and_reasons(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    counts = job_counts(snapshot)
    for state, count in counts.items():
        yield Sample(JOBS, (state,), count)
    yield Sample(UNKNOWN, (), sum(n for state, n in counts.items() if state not in _KNOWN_STATES))
    reasons: Counter[str] = Counter()
    for job in snapshot.jobs or ():
        if job.state in WAITING:
            reasons[plain_reason(job.reason)] += job.tasks
    for reason, count in reasons.items():
        yield Sample(PENDING, (reason,), count)


def _is_undivided(job: Job) -> bool:
    """Return whether a job holds several nodes, and not all of its parts of them are known."""
    if len(job.nodes) < 2 or job.allocated is None:
        return False
    return not job.per_node or any(part.cpus is None for part in job.per_node)


def _grouped(families: _GroupFamilies, jobs: Iterable[tuple[str, Job]]) -> Iterator[Sample]:
    """Count the jobs of each group by state, and add up what they hold."""
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    held: defaultdict[str, defaultdict[Resources, int]] = defaultdict(lambda: defaultdict(int))
    for group, job in jobs:
        counts[group, job.state] += job.tasks
        if job.allocated is not None:
            held[group][job.allocated] += job.tasks
    for key, count in counts.items():
        yield Sample(families.jobs, key, count)
    for group, resources in held.items():
        yield from _held(families, group, resources)


def _held(
    families: _GroupFamilies, group: str, resources: Mapping[Resources, int]
) -> Iterator[Sample]:
    cpus = [one.cpus * count for one, count in resources.items() if one.cpus is not None]
    memory = [
        n.memory_bytes * count for n, count in resources.items() if n.memory_bytes is not None
    ]
    gpus: Counter[str] = Counter()
    for one, count in resources.items():
        for kind, number in one.by_type("gpu").items():
            gpus[kind] += number * count
    if cpus:
        yield Sample(families.cpus, (group,), sum(cpus))
    if memory:
        yield Sample(families.memory, (group,), sum(memory))
    for kind, number in gpus.items():
        yield Sample(families.gpus, (group, kind), number)
