"""Families of limits of accounts and users; of what has no limit there is no series."""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_LABELS = (*SCHEDULER_LABELS, "account", "user", "partition")


def _family(name: str, help_text: str, *labels: str, unit: str = "") -> MetricFamily:
    named = f"rackwatt_scheduler_limit_{name}"
    return MetricFamily(named, "gauge", help_text, (*_LABELS, *labels), unit)


CPUS = _family("cpus", "Number of CPUs that all jobs of the account or user may hold together.")
MEMORY = _family(
    "memory_bytes",
    "Memory that all jobs of the account or user may hold together.",
    unit="bytes",
)
NODES = _family("nodes", "Number of nodes that all jobs of the account or user may hold together.")
GRES = _family(
    "gres",
    "Number of a generic resource, such as gpu, that all jobs of the account or user may hold "
    "together; without a type, of all types.",
    "gres",
    "type",
)
RUNNING_JOBS = _family(
    "running_jobs", "Number of jobs of the account or user that may run at the same time."
)
SUBMITTED_JOBS = _family(
    "submitted_jobs", "Number of jobs of the account or user that may run and wait."
)
USER_RUNNING_JOBS = _family(
    "user_running_jobs", "Number of jobs that each user of the account may run at the same time."
)
USER_SUBMITTED_JOBS = _family(
    "user_submitted_jobs", "Number of jobs of each user of the account that may run and wait."
)
_PLAIN = (
    CPUS, MEMORY, NODES, RUNNING_JOBS, SUBMITTED_JOBS, USER_RUNNING_JOBS, USER_SUBMITTED_JOBS,
)  # fmt: skip
FAMILIES = (*_PLAIN, GRES)


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of each limit."""
    for one in snapshot.limits or ():
        labels = one.account, one.user, one.partition
        for family, number in zip(_PLAIN, _numbers(one), strict=True):
            if number is not None:
                yield Sample(family, labels, number)
        for gres in one.gres:
            yield Sample(GRES, (*labels, gres.name, gres.type), gres.count)


def _numbers(one: Limit) -> tuple[int | None, ...]:
    return (
        one.cpus, one.memory_bytes, one.nodes, one.running_jobs, one.submitted_jobs,
        one.running_jobs_per_user, one.submitted_jobs_per_user,
    )  # fmt: skip
