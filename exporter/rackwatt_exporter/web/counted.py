"""How many targets there are, answer, fail and have watts: of each document, and of all.

A target is a BMC or PDU; for a document of collectors it is this node, for one of the grid its
zone.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from rackwatt_crds.document import PowerTarget
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.machine import InstrumentEntry, Machine


@dataclass(slots=True)
class Count:
    """A count of some targets; `watts` is of those `measured`."""

    configured: int = 0
    reachable: int = 0
    failing: int = 0
    measured: int = 0
    watts: float = 0.0

    def add(self, up: bool, failing: bool, watts: float | None) -> None:
        """Count one target."""
        self.configured += 1
        self.reachable += up
        self.failing += failing
        if watts is not None:
            self.measured += 1
            self.watts += watts

    def plain(self) -> dict[str, Any]:
        """Write it as plain data; no watts where nothing is measured."""
        return {
            "configured": self.configured,
            "reachable": self.reachable,
            "failing": self.failing,
            "measured": self.measured,
            "watts": round(self.watts, 3) if self.measured else None,
        }


class Counted:
    """The counts of an exporter at this moment."""

    def __init__(self, exporter: Exporter) -> None:
        self.all = Count()
        named = [one.name for one in exporter.fleet.documents]
        kinds = [isinstance(one.document, PowerTarget) for one in exporter.fleet.documents]
        self.documents = {name: Count() for name, ours in zip(named, kinds, strict=True) if ours}
        for record in exporter.store.records.values():
            watts = record.reading.watts if record.reading else None
            self._add(record.target.document, record.up, record.error is not None, watts)
        self._add_nodes(exporter.machine)
        for feed in exporter.grids.entries.values():
            self._add(feed.asked.document, feed.up, feed.error is not None, None)

    def _add_nodes(self, machine: Machine) -> None:
        """Count this node once for each document, by all of its collectors there."""
        entries: dict[str, list[InstrumentEntry]] = defaultdict(list)
        for entry in machine.entries.values():
            entries[entry.asked.document].append(entry)
        for document, some in entries.items():
            known = [watts for watts in map(machine.watts, some) if watts is not None]
            up = any(entry.answer is not None for entry in some)
            failing = any(entry.error is not None for entry in some)
            self._add(document, up, failing, sum(known) if known else None)

    def _add(self, document: str, up: bool, failing: bool, watts: float | None) -> None:
        self.all.add(up, failing, watts)
        self.documents.setdefault(document, Count()).add(up, failing, watts)
