"""The family that says how much of each limit is used.

It is a ratio, since limits have different units and all of them matter for the same reason: who is
at a limit waits.
"""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

USED = MetricFamily(
    "rackwatt_scheduler_limit_used_ratio",
    "gauge",
    "Part of a limit that the account or user uses, in a QOS where `qos` names one; without an "
    "account and a user, that all jobs of the QOS use.",
    (*SCHEDULER_LABELS, "account", "user", "partition", "qos", "limit"),
    "ratio",
)
FAMILIES = (USED,)


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples; a limit of 0, of which nothing can be a part, has none."""
    for one in snapshot.limit_usage or ():
        if one.allowed:
            yield Sample(USED, one.key, one.used / one.allowed)
