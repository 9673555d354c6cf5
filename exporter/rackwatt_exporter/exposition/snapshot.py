"""Snapshot of all targets at one moment, from which any thread renders a page.

The event loop copies what the records say, and nothing more: what it copies never changes. So what
a page says belongs together, and an age is that of the watts beside it.
"""

from collections.abc import Iterable, Mapping

import msgspec

from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import FamilyLines
from rackwatt_exporter.reading import ReadError, Reading, Reason


class TargetSnapshot(msgspec.Struct, frozen=True, gc=False):
    """What is known of one target; `binding` is the scheduler that gives its node's `state`."""

    spec: Target
    state: str | None
    binding: SchedulerConfig | None
    value: Reading | None
    error: ReadError | None
    up: bool
    read_at_s: float | None
    took_s: float | None
    reads: int
    errors: Mapping[Reason, int]
    joules: float
    covered_s: float

    @property
    def source(self) -> str:
        """Where its value was found; empty without one."""
        return self.value.source if self.value is not None else ""


class FleetSnapshot:
    """All targets at `at_s`, and the lines of other kinds."""

    def __init__(
        self, targets: list[TargetSnapshot], at_s: float, others: Iterable[FamilyLines] = ()
    ) -> None:
        self.targets = targets
        self.at_s = at_s
        self.others: dict[MetricFamily, list[bytes]] = {
            family: lines for family, lines in others if lines
        }
