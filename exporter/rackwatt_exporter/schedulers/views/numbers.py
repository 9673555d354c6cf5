"""Families of a scheduler that counts its nodes and jobs and lists neither.

They are apart from those of states: a base state is not the word that says what a node does.
"""

from collections.abc import Iterator, Mapping

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.numbers import Counts
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_GROUPS = {"partitions": "partition", "users": "user", "accounts": "account"}

NODES = MetricFamily(
    "rackwatt_scheduler_base_state_nodes",
    "gauge",
    "Number of nodes in each base state, of a scheduler that only counts them: an idle one may be "
    "drained, which is a flag.",
    (*SCHEDULER_LABELS, "base"),
)
NODE_FLAGS = MetricFamily(
    "rackwatt_scheduler_flagged_nodes",
    "gauge",
    "Number of nodes that have each flag beside their base state, of a scheduler that only counts "
    "them.",
    (*SCHEDULER_LABELS, "flag"),
)
JOBS = MetricFamily(
    "rackwatt_scheduler_base_state_jobs",
    "gauge",
    "Number of jobs in each base state, each task of an array counted, of a scheduler that only "
    "counts them: a cancelled one may still be completing, which is a flag.",
    (*SCHEDULER_LABELS, "base"),
)
JOB_FLAGS = MetricFamily(
    "rackwatt_scheduler_flagged_jobs",
    "gauge",
    "Number of jobs that have each flag beside their base state, of a scheduler that only counts "
    "them.",
    (*SCHEDULER_LABELS, "flag"),
)
BY_GROUP = {
    option: MetricFamily(
        f"rackwatt_scheduler_{label}_base_state_jobs",
        "gauge",
        f"Number of jobs of each {label} in each base state, of a scheduler that only counts them.",
        (*SCHEDULER_LABELS, label, "base"),
    )
    for option, label in _GROUPS.items()
}
FAMILIES = (NODES, NODE_FLAGS, JOBS, JOB_FLAGS, *BY_GROUP.values())


def samples(snapshot: SchedulerSnapshot, options: MetricsOptions) -> Iterator[Sample]:
    """Go through the samples of numbers; none of a scheduler that lists nodes and jobs."""
    numbers = snapshot.numbers
    if numbers is None:
        return
    yield from _counted(NODES, numbers.nodes)
    yield from _counted(NODE_FLAGS, numbers.node_flags)
    if options.jobs:
        yield from _counted(JOBS, numbers.jobs)
        yield from _counted(JOB_FLAGS, numbers.job_flags)
    for option, family in BY_GROUP.items():
        groups: Mapping[str, Counts] | None = getattr(numbers, option)
        if groups is not None and getattr(options, option):
            for group, counts in groups.items():
                for base, count in counts.items():
                    yield Sample(family, (group, base), count)


def _counted(family: MetricFamily, counts: Counts) -> Iterator[Sample]:
    for word, count in counts.items():
        yield Sample(family, (word,), count)
