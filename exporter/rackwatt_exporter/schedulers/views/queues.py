"""Families of a scheduler's queues, which Slurm calls partitions: what they take and have.

Their label is `partition`, as it is of the families of jobs.
"""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_LABELS = (*SCHEDULER_LABELS, "partition")

STATE = MetricFamily(
    "rackwatt_scheduler_partition_state",
    "gauge",
    "1 for the current state of a partition: only an `up` one takes jobs and starts them.",
    (*_LABELS, "state"),
)
NODES = MetricFamily(
    "rackwatt_scheduler_partition_nodes", "gauge", "Number of nodes of the partition.", _LABELS
)
CPUS = MetricFamily(
    "rackwatt_scheduler_partition_cpus",
    "gauge",
    "Number of CPUs of the partition's nodes, whatever their state.",
    _LABELS,
)
MEMORY = MetricFamily(
    "rackwatt_scheduler_partition_memory_bytes",
    "gauge",
    "Memory of the partition's nodes, whatever their state.",
    _LABELS,
    "bytes",
)
GPUS = MetricFamily(
    "rackwatt_scheduler_partition_gpus",
    "gauge",
    "Number of GPUs of the partition's nodes, by type, where the scheduler accounts for them.",
    (*_LABELS, "type"),
)
MAX_TIME = MetricFamily(
    "rackwatt_scheduler_partition_max_time_seconds",
    "gauge",
    "Time that a job may run in the partition; no series where there is no limit.",
    _LABELS,
    "seconds",
)
MAX_NODES = MetricFamily(
    "rackwatt_scheduler_partition_max_nodes",
    "gauge",
    "Number of nodes that a job may have in the partition; no series where there is no limit.",
    _LABELS,
)
FAMILIES = (STATE, NODES, CPUS, MEMORY, GPUS, MAX_TIME, MAX_NODES)


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of each queue; what was not reported has none."""
    for one in snapshot.queues or ():
        if one.state is not None:
            yield Sample(STATE, (one.name, one.state), 1)
        for family, number in _numbers(one).items():
            if number is not None:
                yield Sample(family, (one.name,), number)
        gpus = one.total.by_type("gpu") if one.total else {}
        for kind, count in gpus.items():
            yield Sample(GPUS, (one.name, kind), count)


def _numbers(one: Queue) -> dict[MetricFamily, float | None]:
    total = one.total or Resources()
    return {
        NODES: one.nodes,
        CPUS: total.cpus,
        MEMORY: total.memory_bytes,
        MAX_TIME: one.max_time_s,
        MAX_NODES: one.max_nodes,
    }
