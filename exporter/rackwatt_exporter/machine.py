"""What is known now of the machine this exporter runs on: what each collector found last.

Counters of joules come raw, and are booked here on meters that outlive the process.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from rackwatt_exporter.board import Board, Entry
from rackwatt_exporter.collectors.collector import Energy, Findings
from rackwatt_exporter.ledger_file import LedgerFile
from rackwatt_exporter.meter import Meter
from rackwatt_exporter.settings.instrument import Instrument

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

InstrumentEntry = Entry[Instrument, Findings]


class Machine(Board[Instrument, Findings]):
    """All instruments by their collector, on the node of this name."""

    def __init__(
        self,
        node: str,
        ledger: LedgerFile,
        clock: Callable[[], float] = time.monotonic,
        since_boot: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock)
        self.node = node
        self._ledger = ledger
        self._since_boot = since_boot
        self._wall = wall
        self._boot = _boot_id()

    @property
    def scheduler(self) -> str | None:
        """The binding that knows this node's state, if a document names one."""
        named = (entry.asked.scheduler for entry in self.entries.values())
        return next(filter(None, named), None)

    def succeeded(self, key: str, result: Findings, took_s: float) -> None:
        """Take what a collector found just now; what is amiss with it counts as its failure."""
        if (entry := self.entries.get(key)) is None:
            return
        at_s, wall_s = self._since_boot(), self._wall()
        for energy in result.energies:
            self.meter(key, energy).turn(
                energy.joules, energy.span_joules, self._boot, at_s, wall_s, energy.most_watts
            )
            self._ledger.changed.add(_meter_key(key, energy))
        before, since_s = entry.error, entry.failing_since_s
        self._take(entry, result, took_s, 0.0)
        if result.amiss is not None:
            if before is None or before.reason is not result.amiss.reason:
                log.warning("%s: %s", result.amiss.reason, result.amiss, extra={"node": key})
            entry.failing_since_s = since_s
            entry.fail(result.amiss, self._clock())

    def meter(self, collector: str, energy: Energy) -> Meter:
        """Give the meter of a counter."""
        return self._ledger.meters.setdefault(_meter_key(collector, energy), Meter())

    def watts(self, entry: InstrumentEntry) -> float | None:
        """Add up what a collector's counters say of power; None unless all of them are known."""
        if entry.answer is None or entry.answer.amiss is not None:
            return None
        whole = [one for one in entry.answer.energies if one.whole]
        known = [self.meter(entry.asked.name, one).watts for one in whole]
        watts = [one for one in known if one is not None]
        return sum(watts) if watts and len(watts) == len(known) else None


def _meter_key(collector: str, energy: Energy) -> str:
    return f"{collector}/{energy.zone}"


def _boot_id() -> str:
    """Name this boot of the kernel, the same in every container; empty where it has no name."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
