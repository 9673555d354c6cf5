"""Families of a scheduler's licences; a licence of which none is free has its series, too.

The label `nodes` is empty, which to Prometheus is none, but of a licence of some nodes alone.
"""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS


def _family(name: str, help_text: str) -> MetricFamily:
    labels = (*SCHEDULER_LABELS, "license", "nodes")
    return MetricFamily(f"rackwatt_scheduler_license_{name}", "gauge", help_text, labels)


CAPACITY = _family("capacity", "Number of licences that there are.")
USED = _family("used", "Number of licences that jobs hold.")
FREE = _family("free", "Number of licences that jobs may have now.")
RESERVED = _family("reserved", "Number of licences that reservations hold.")
LAST_CONSUMED = _family(
    "last_consumed",
    "Number of licences in use at the last report of their server; remote licences alone.",
)
LAST_DEFICIT = _family(
    "last_deficit",
    "Number of licences that the scheduler lacked at the last report of their server, since others "
    "hold them; remote licences alone.",
)
FAMILIES = (CAPACITY, USED, FREE, RESERVED, LAST_CONSUMED, LAST_DEFICIT)


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of each licence; what was not reported has none."""
    for one in snapshot.licenses or ():
        for family, number in zip(FAMILIES, _numbers(one), strict=True):
            if number is not None:
                yield Sample(family, (one.name, one.nodes), number)


def _numbers(one: License) -> tuple[int | None, ...]:
    return one.total, one.used, one.free, one.reserved, one.last_consumed, one.last_deficit
