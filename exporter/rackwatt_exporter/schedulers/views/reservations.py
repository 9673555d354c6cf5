"""Families of a scheduler's reservations: when, of what, and for whom."""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.printable import printable
from rackwatt_exporter.schedulers.model.reservation import Reservation
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_LABELS = (*SCHEDULER_LABELS, "reservation")
_MAX_NAMES = 200  # characters of a list of users, accounts or flags

ACTIVE = MetricFamily(
    "rackwatt_scheduler_reservation_active",
    "gauge",
    "1 of a reservation that has started and has not ended, 0 of another one.",
    _LABELS,
)
START = MetricFamily(
    "rackwatt_scheduler_reservation_start_timestamp_seconds",
    "gauge",
    "Unix time at which the reservation starts.",
    _LABELS,
    "seconds",
)
END = MetricFamily(
    "rackwatt_scheduler_reservation_end_timestamp_seconds",
    "gauge",
    "Unix time at which the reservation ends.",
    _LABELS,
    "seconds",
)
NODES = MetricFamily(
    "rackwatt_scheduler_reservation_nodes", "gauge", "Number of nodes that are reserved.", _LABELS
)
CORES = MetricFamily(
    "rackwatt_scheduler_reservation_cores",
    "gauge",
    "Number of CPU cores that are reserved.",
    _LABELS,
)
INFO = MetricFamily(
    "rackwatt_scheduler_reservation_info",
    "gauge",
    "1, with the partition, users and accounts of the reservation, and the scheduler's own flags.",
    (*_LABELS, "partition", "users", "accounts", "flags"),
)
FAMILIES = (ACTIVE, START, END, NODES, CORES, INFO)


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of each reservation; what was not reported has none."""
    for one in snapshot.reservations or ():
        numbers = one.active, one.started_at_s, one.ends_at_s, one.node_count, one.cores
        for family, number in zip(FAMILIES, numbers, strict=False):
            if number is not None:
                yield Sample(family, (one.name,), int(number))
        yield Sample(INFO, _described(one), 1)


def _described(one: Reservation) -> tuple[str, ...]:
    lists = (printable(",".join(names), _MAX_NAMES) for names in (one.users, one.accounts))
    return one.name, one.partition, *lists, ",".join(one.flags)
