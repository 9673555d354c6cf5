"""How many targets there are, answer, fail and have watts: of each document, and of all.

A target is a BMC or PDU; for a document of collectors it is this node, for one of the grid its
zone.
"""

from dataclasses import dataclass
from typing import Any

from rackwatt_crds.document import PowerTarget
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.pipelines.pipeline import Measured


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


class TargetCounts:
    """The counts of an exporter at this moment."""

    def __init__(self, exporter: Exporter) -> None:
        self.all = Count()
        named = [one.name for one in exporter.fleet.documents]
        kinds = [isinstance(one.document, PowerTarget) for one in exporter.fleet.documents]
        self.documents = {name: Count() for name, ours in zip(named, kinds, strict=True) if ours}
        for pipeline in exporter.registry:
            for one in pipeline.measured():
                self._add(one)

    def _add(self, one: Measured) -> None:
        for count in (self.all, self.documents.setdefault(one.document, Count())):
            count.add(one.up, one.failing, one.watts)
