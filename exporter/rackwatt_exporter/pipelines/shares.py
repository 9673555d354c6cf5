"""The shares of nodes on their way: worked out at a poll, served by the names of the targets.

The exporter that polls a scheduler works them out. Each exporter that has targets of it serves
those of its own, in the same scrape as their power.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.schedulers.model.node import NodeShares
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.node_shares import NodeDivision
from rackwatt_exporter.schedulers.views.shares import share_text
from rackwatt_exporter.store.node_states import NodeStateStore


class _Text(NamedTuple):
    """The lines of a scheduler, and what they are made of."""

    spec: SchedulerConfig
    shares: Mapping[str, NodeShares]
    lines: bytes


class SharedNodes:
    """The shares of the nodes of each SchedulerBinding."""

    def __init__(self, store: NodeStateStore) -> None:
        self._store = store
        self._divisions: dict[str, NodeDivision] = {}
        self._texts: dict[str, _Text] = {}

    def remove(self, name: str) -> None:
        """Remove what is kept of a binding."""
        self._divisions.pop(name, None)
        self._texts.pop(name, None)

    def divide(self, name: str, snapshot: SchedulerSnapshot) -> SchedulerSnapshot:
        """Return a snapshot with the shares of its nodes, as the binding wants them now."""
        record = self._store.records.get(name)
        if record is None:
            return snapshot
        division = self._divisions.get(name)
        if division is None or division.options != record.spec.metrics:
            self._divisions[name] = division = NodeDivision(record.spec.metrics)
        return division.divide(snapshot)

    def text(self, spec: SchedulerConfig) -> bytes:
        """Return the lines of the targets that a scheduler knows, which are written once."""
        shares, made = self._store.shares(spec.name), self._texts.get(spec.name)
        if made is None or made.shares is not shares or made.spec != spec:
            lines = share_text((spec.name, spec.cluster), shares, spec.metrics.exclude)
            self._texts[spec.name] = made = _Text(spec, shares, lines)
        return made.lines
