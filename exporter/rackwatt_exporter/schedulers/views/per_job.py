"""Families of each job that holds nodes, where a document wants them.

They are as many as there are jobs, and each job brings new ones: so their number is bounded. The
jobs that hold the most have series of their own, and all others are one job, `other`, so that sums
over jobs stay those of the cluster.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

# Not `job`: Prometheus has a label of that name, and with honorLabels ours would replace it.
_JOB = (*SCHEDULER_LABELS, "jobid")
_OTHER = "other"

INFO = MetricFamily(
    "rackwatt_scheduler_job_info",
    "gauge",
    "1 for each job that holds nodes, with its owner and its state.",
    (*_JOB, "user", "account", "partition", "state"),
)
CPUS = MetricFamily(
    "rackwatt_scheduler_job_allocated_cpus",
    "gauge",
    "Number of CPUs that the job holds; the job `other` is all that have no series of their own.",
    _JOB,
)
MEMORY = MetricFamily(
    "rackwatt_scheduler_job_allocated_memory_bytes",
    "gauge",
    "Memory that the job holds; the job `other` is all that have no series of their own.",
    _JOB,
    "bytes",
)
GPUS = MetricFamily(
    "rackwatt_scheduler_job_allocated_gpus",
    "gauge",
    "Number of GPUs that the job holds, by type; the job `other` is all that have no series of "
    "their own.",
    (*_JOB, "type"),
)
FAMILIES = (INFO, CPUS, MEMORY, GPUS)


def samples(snapshot: SchedulerSnapshot, options: MetricsOptions) -> Iterator[Sample]:
    """Go through the samples of the jobs that hold the most, and of all others together."""
    if not options.per_job.enabled:
        return
    active = [job for job in snapshot.jobs or () if job.allocated is not None]
    active.sort(key=_size, reverse=True)
    for job in active[: options.per_job.max]:
        partition = job.partitions[0] if job.partitions else ""
        yield Sample(INFO, (job.id, job.user, job.account, partition, job.state), 1)
        yield from _held(job.id, [job])
    if others := active[options.per_job.max :]:
        yield from _held(_OTHER, others)


def _size(job: Job) -> tuple[int, float, int]:
    held = job.allocated
    assert held is not None  # noqa: S101 - only jobs that hold something are compared
    return held.count("gpu") or 0, held.cpus or 0, held.memory_bytes or 0


def _held(name: str, jobs: Sequence[Job]) -> Iterator[Sample]:
    held = [job.allocated for job in jobs if job.allocated is not None]
    cpus = [one.cpus for one in held if one.cpus is not None]
    memory = [one.memory_bytes for one in held if one.memory_bytes is not None]
    gpus: Counter[str] = Counter()
    for one in held:
        gpus.update(one.by_type("gpu"))
    if cpus:
        yield Sample(CPUS, (name,), sum(cpus))
    if memory:
        yield Sample(MEMORY, (name,), sum(memory))
    for kind, count in gpus.items():
        yield Sample(GPUS, (name, kind), count)
