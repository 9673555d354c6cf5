"""The store of schedulers: the last snapshot of each, and for how long that counts.

Unreachable is not idle: when a scheduler has not answered for `stale_after_s` its nodes have no
state at all, and their power stays. A report that came through another exporter is as old as that
one's.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from rackwatt_crds.bmc.hosts import DEFAULT_TYPE
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.schedulers.model.node import NodeShares, SchedulerNode
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.store.node_names import Join, Unmatched, of_nodes
from rackwatt_exporter.store.store import Record, Store
from rackwatt_exporter.store.targets import TargetStore

log = logging.getLogger(__name__)

SchedulerRecord: TypeAlias = Record[SchedulerConfig, SchedulerSnapshot]


class NodeStateStore(Store[SchedulerConfig, SchedulerSnapshot]):
    """All bindings by name. It writes each node's state into the store of targets."""

    def __init__(self, targets: TargetStore, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._targets = targets
        self._here: tuple[str | None, str] = None, ""
        self._joins: dict[str, Join[SchedulerNode]] = {}
        self._unmatched: dict[str, Unmatched] = {}
        self._polled: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._shares: dict[str, Mapping[str, NodeShares]] = {}

    def place(self, scheduler: str | None, node: str) -> None:
        """Note which scheduler, if any, knows the node that this process runs on."""
        self._here = scheduler, node
        self.propagate()

    def sync(self, specs: Iterable[SchedulerConfig]) -> set[str]:
        """Hold a record for each binding and for no other; return the names of those removed."""
        removed = super().sync(specs)
        for name in removed:
            self._polled.pop(name, None)
        self.propagate()
        return removed

    async def polled(self, scheduler: str) -> None:
        """Wait until a scheduler has been polled once, whatever that came to."""
        await self._polled[scheduler].wait()

    def propagate(self) -> None:
        """Give every target the state of its node."""
        types = self._types()
        self._joins = {
            name: Join(record.spec.node_name, record.value.nodes, types.get(name, ()))
            for name, record in self.records.items()
            if record.value is not None and record.value.numbers is None
        }
        self._unmatched = {
            name: Unmatched(scheduled.intersection(join.unmatched.targets), join.unmatched.nodes)
            for name, join in self._joins.items()
            if (scheduled := of_nodes(types.get(name, {}), join.unmatched.targets))
        }
        self._shares = {
            name: dict(_shares_of(types.get(name, ()), join, self.records[name].value))
            for name, join in self._joins.items()
        }
        for node, record in self._targets.records.items():
            self._targets.set_state(node, self.state(record.spec.scheduler, node))

    def state(self, scheduler: str | None, node: str) -> str | None:
        """Return the state that a scheduler gives a node; None where that is not known."""
        join = self._joins.get(scheduler or "")
        match = join.match(node) if join else None
        return match.state if match else None

    def node_name(self, scheduler: str, node: str) -> str | None:
        """Return what a scheduler calls a node of ours; None where it does not list it now."""
        join = self._joins.get(scheduler)
        return join.name(node) if join else None

    def shares(self, scheduler: str) -> Mapping[str, NodeShares]:
        """Return the shares of our nodes; the same object until they change."""
        return self._shares.get(scheduler, {})

    def unmatched(self, scheduler: str) -> Unmatched | None:
        """Return the names of either side without a match; None where nothing can be compared.

        Of targets only those count that the scheduler should know.
        """
        return self._unmatched.get(scheduler)

    def withdraw_stale(self) -> None:
        """Withdraw every report that is too old by now."""
        revision = self.revision
        super().withdraw_stale()
        if self.revision != revision:
            self.propagate()

    def succeeded(self, key: str, value: SchedulerSnapshot, took_s: float) -> None:
        """Accept what a scheduler reported just now, or what another exporter has kept of it."""
        super().succeeded(key, value, took_s)
        self._polled[key].set()
        self.propagate()

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        """Accept a failure that happened just now."""
        super().failed(key, error, took_s)
        self._polled[key].set()
        self.propagate()

    def _types(self) -> Mapping[str, Mapping[str, str]]:
        """Return the types of the nodes that want a state, by scheduler and by name."""
        types: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for node, record in self._targets.records.items():
            if record.spec.scheduler:
                types[record.spec.scheduler][node] = record.spec.type
        scheduler, node = self._here
        if scheduler:
            types[scheduler][node] = DEFAULT_TYPE
        return types

    def _age_s(self, value: SchedulerSnapshot) -> float:
        """Return the age of a report that another exporter has kept."""
        return value.age_s

    def _accept(self, record: SchedulerRecord, value: SchedulerSnapshot, took_s: float) -> None:
        _log_note(record, value)
        super()._accept(record, value, took_s)
        record.withdraw_if_stale(self._clock())


def _shares_of(
    nodes: Iterable[str], join: Join[SchedulerNode], snapshot: SchedulerSnapshot | None
) -> Iterator[tuple[str, NodeShares]]:
    """Go through the nodes of ours that jobs hold, with their shares."""
    shares = (snapshot and snapshot.shares) or {}
    for node in nodes if shares else ():
        of_node = shares.get(join.name(node) or "")
        if of_node is not None:
            yield node, of_node


def _log_note(record: SchedulerRecord, value: SchedulerSnapshot) -> None:
    """Log what a report lacks, once as long as it stays the same."""
    if value.note and (record.value is None or record.value.note != value.note):
        log.warning("scheduler %s: %s", record.spec.name, value.note)
