"""Families of limits of qualities of service (QOS); of what has no limit there is no series."""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.qos_limit import QosLimit
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_LABELS = (*SCHEDULER_LABELS, "qos", "per")
_WHOSE = "jobs of the QOS, or of each user or account in it,"


def _family(name: str, help_text: str, *labels: str, unit: str = "") -> MetricFamily:
    named = f"rackwatt_scheduler_qos_limit_{name}"
    return MetricFamily(named, "gauge", help_text, (*_LABELS, *labels), unit)


CPUS = _family("cpus", f"Number of CPUs that {_WHOSE} may hold together.")
MEMORY = _family("memory_bytes", f"Memory that {_WHOSE} may hold together.", unit="bytes")
NODES = _family("nodes", f"Number of nodes that {_WHOSE} may hold together.")
GRES = _family(
    "gres",
    f"Number of a generic resource, such as gpu, that {_WHOSE} may hold together; without a type, "
    "of all types.",
    "gres",
    "type",
)
RUNNING_JOBS = _family("running_jobs", f"Number of {_WHOSE} that may run at the same time.")
SUBMITTED_JOBS = _family("submitted_jobs", f"Number of {_WHOSE} that may run and wait.")
_PLAIN = (CPUS, MEMORY, NODES, RUNNING_JOBS, SUBMITTED_JOBS)
FAMILIES = (*_PLAIN, GRES)


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of each limit."""
    for one in snapshot.qos_limits or ():
        labels = one.qos, one.per
        for family, number in zip(_PLAIN, _numbers(one), strict=True):
            if number is not None:
                yield Sample(family, labels, number)
        for gres in one.gres:
            yield Sample(GRES, (*labels, gres.name, gres.type), gres.count)


def _numbers(one: QosLimit) -> tuple[int | None, ...]:
    return one.cpus, one.memory_bytes, one.nodes, one.running_jobs, one.submitted_jobs
