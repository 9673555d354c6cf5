"""Numbers of targets, by document and in total: configured, reachable, failing, measured.

A target is a BMC or PDU; for a document of collectors this node, for one of the grid its zone.
"""

from dataclasses import dataclass
from typing import Any

from rackwatt_crds.document import PowerTarget
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.pipelines.pipeline import Measured


@dataclass(slots=True)
class Count:
    """Counts of targets; `watts` is the sum of those `measured`."""

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
        """Return the counts as plain data; without watts where nothing is measured."""
        return {
            "configured": self.configured,
            "reachable": self.reachable,
            "failing": self.failing,
            "measured": self.measured,
            "watts": round(self.watts, 3) if self.measured else None,
        }


class TargetCounts:
    """The current counts of an exporter."""

    def __init__(self, exporter: Exporter) -> None:
        self.all = Count()
        named = [one.name for one in exporter.fleet.documents]
        kinds = [isinstance(one.document, PowerTarget) for one in exporter.fleet.documents]
        self.documents = {
            name: Count() for name, is_target in zip(named, kinds, strict=True) if is_target
        }
        for pipeline in exporter.registry:
            for measured in pipeline.measured():
                self._add(measured)

    def _add(self, measured: Measured) -> None:
        for count in (self.all, self.documents.setdefault(measured.document, Count())):
            count.add(measured.up, measured.failure is not None, measured.watts)
