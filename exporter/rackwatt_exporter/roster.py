"""What each scheduler said last of its nodes, and for how long that counts.

Unreachable is not idle: when a scheduler has not answered for `stale_after_s` its nodes have no
state at all, and their power stays.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.scheduler import NodeStates
from rackwatt_exporter.settings.binding import Binding
from rackwatt_exporter.store import Store

_NONE: Mapping[str, str] = {}


@dataclass(slots=True)
class Entry:
    """Everything known of one binding. Times are monotonic seconds of this process."""

    binding: Binding
    answer: NodeStates | None = None
    read_at_s: float | None = None
    error: ReadError | None = None
    took_s: float | None = None
    reads: int = 0
    errors: Counter[Reason] = field(default_factory=Counter)

    @property
    def up(self) -> bool:
        """Whether the last question was answered."""
        return self.error is None and self.read_at_s is not None

    @property
    def states(self) -> Mapping[str, str]:
        """The state of each node that has one now."""
        return self.answer.states if self.answer else _NONE

    def counts(self) -> Counter[str]:
        """Count nodes by state."""
        return Counter(self.states.values())


class Roster:
    """All bindings by name. It writes each node's state into the store as it changes."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self.entries: dict[str, Entry] = {}
        self._store = store
        self._clock = clock

    def want(self, bindings: Iterable[Binding]) -> None:
        """Hold an entry for each binding and for no other."""
        wanted = {binding.name: binding for binding in bindings}
        for name in self.entries.keys() - wanted.keys():
            del self.entries[name]
        for name, binding in wanted.items():
            if name in self.entries:
                self.entries[name].binding = binding
            else:
                self.entries[name] = Entry(binding)
        self.spread()

    def succeeded(self, key: str, result: NodeStates, took_s: float) -> None:
        """Take what a scheduler said just now."""
        if (entry := self.entries.get(key)) is None:
            return
        entry.answer, entry.read_at_s, entry.took_s = result, self._clock(), took_s
        entry.error = None
        entry.reads += 1
        self.spread()

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        """Take a scheduler's failure that came just now."""
        if (entry := self.entries.get(key)) is None:
            return
        entry.error, entry.took_s = error, took_s
        entry.errors[error.reason] += 1
        self.withdraw_stale()

    def withdraw_stale(self) -> None:
        """Let go of every answer that is too old by now."""
        now_s = self._clock()
        stale = [
            entry
            for entry in self.entries.values()
            if entry.answer is not None
            and entry.read_at_s is not None
            and now_s - entry.read_at_s > entry.binding.stale_after_s
        ]
        for entry in stale:
            entry.answer = None
        if stale:
            self.spread()

    def spread(self) -> None:
        """Tell every record the state of its node."""
        for node, record in self._store.records.items():
            entry = self.entries.get(record.target.scheduler or "")
            self._store.set_state(record, entry.states.get(node) if entry else None)
