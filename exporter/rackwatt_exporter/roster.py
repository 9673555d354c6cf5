"""What each scheduler said last of its nodes, and for how long that counts.

Unreachable is not idle: when a scheduler has not answered for `stale_after_s` its nodes have no
state at all, and their power stays. An answer that came through another exporter is as old as that
one's.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from rackwatt_exporter import board
from rackwatt_exporter.schedulers.scheduler import NodeStates
from rackwatt_exporter.settings.binding import Binding
from rackwatt_exporter.store import Store

_NONE: Mapping[str, str] = {}

Entry = board.Entry[Binding, NodeStates]


class Roster(board.Board[Binding, NodeStates]):
    """All bindings by name. It writes each node's state into the store as it changes."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._store = store

    def want(self, asked: Iterable[Binding]) -> None:
        """Hold an entry for each binding and for no other."""
        super().want(asked)
        self.spread()

    def succeeded(self, key: str, result: NodeStates, took_s: float) -> None:
        """Take what a scheduler said just now, or what another exporter has kept of it."""
        if (entry := self.entries.get(key)) is None:
            return
        self._take(entry, result, took_s, result.age_s)
        entry.withdraw_if_stale(self._clock())
        self.spread()

    def withdraw_stale(self) -> bool:
        """Let go of every answer that is too old by now."""
        withdrawn = super().withdraw_stale()
        if withdrawn:
            self.spread()
        return withdrawn

    def spread(self) -> None:
        """Tell every record the state of its node."""
        for node, record in self._store.records.items():
            self._store.set_state(record, self.state(record.target.scheduler, node))

    def state(self, scheduler: str | None, node: str) -> str | None:
        """Tell the state that a scheduler gives a node; None where that is not known."""
        entry = self.entries.get(scheduler or "")
        return states(entry).get(node) if entry else None


def states(entry: Entry) -> Mapping[str, str]:
    """Tell the state of each node that has one now."""
    return entry.answer.states if entry.answer else _NONE


def counts(entry: Entry) -> Counter[str]:
    """Count nodes by state."""
    return Counter(states(entry).values())
