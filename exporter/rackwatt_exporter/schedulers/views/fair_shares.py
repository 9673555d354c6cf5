"""Families of fair shares of accounts and users; what was not computed has no series."""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_LABELS = (*SCHEDULER_LABELS, "account", "user", "partition")


def _family(name: str, help_text: str, unit: str = "") -> MetricFamily:
    named = f"rackwatt_scheduler_fairshare_{name}"
    return MetricFamily(named, "gauge", help_text, _LABELS, unit)


SHARES = _family("shares", "Number of shares that an administrator gave the account or user.")
SHARES_RATIO = _family(
    "shares_ratio",
    "Shares of the account or user as a part of those of all on its level, from 0 to 1.",
    "ratio",
)
USAGE = _family(
    "usage_seconds",
    "Usage of the account or user in seconds of what the scheduler bills, less the older it is.",
    "seconds",
)
USAGE_RATIO = _family(
    "usage_ratio",
    "Usage of the account or user as a part of that of all on its level, from 0 to 1.",
    "ratio",
)
LEVEL = _family(
    "level",
    "Level fair share: shares_ratio by usage_ratio. Above 1 less than the share was used; +Inf "
    "without usage.",
)
FACTOR = _family(
    "factor", "Fair-share factor that the priority of the account's or user's jobs counts, 0 to 1."
)
FAMILIES = (SHARES, SHARES_RATIO, USAGE, USAGE_RATIO, LEVEL, FACTOR)


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of each fair share."""
    for one in snapshot.fairshare or ():
        labels = one.account, one.user, one.partition
        for family, number in zip(FAMILIES, _numbers(one), strict=True):
            if number is not None:
                yield Sample(family, labels, number)


def _numbers(one: FairShare) -> tuple[float | None, ...]:
    level = None if one.level is None else float(one.level)
    return one.shares, one.shares_ratio, one.usage_s, one.usage_ratio, level, one.factor
