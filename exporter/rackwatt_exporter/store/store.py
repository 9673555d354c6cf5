"""The last value of everything that is polled, and for how long it counts.

Polling writes, everything else reads. A value has a time, and past `stale_after_s` it is withdrawn
rather than repeated: nothing here ever puts a 0, or an old value without its age, where there is
none.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from rackwatt_exporter.reading import ReadError, Reason

log = logging.getLogger(__name__)


class Spec(Protocol):
    """What is polled, with nothing left to decide."""

    @property
    def key(self) -> str:
        """Its name in the store, which no other has."""
        ...

    @property
    def document(self) -> str:
        """The name of the document that wants it."""
        ...

    @property
    def stale_after_s(self) -> float:
        """Age at which a value does not count any more."""
        ...


S = TypeVar("S", bound=Spec)
V = TypeVar("V")


@dataclass(slots=True)
class Record(Generic[S, V]):
    """Everything known of one of them. Times are monotonic seconds of this process.

    `revision` is the store's when the record last changed: what is new since then is higher.
    """

    spec: S
    value: V | None = None
    read_at_s: float | None = None
    error: ReadError | None = None
    failing_since_s: float | None = None
    took_s: float | None = None
    reads: int = 0
    errors: Counter[Reason] = field(default_factory=Counter)
    revision: int = 0

    @property
    def up(self) -> bool:
        """Whether the last poll returned a value, and all of it."""
        return self.error is None and self.read_at_s is not None

    def age_s(self, now_s: float) -> float | None:
        """Return the age of the last value, whether it still counts or not; None before any."""
        return None if self.read_at_s is None else now_s - self.read_at_s

    def withdraw_if_stale(self, now_s: float) -> bool:
        """Withdraw a value that is too old; return whether there was one."""
        if self.value is None or self.read_at_s is None:
            return False
        if now_s - self.read_at_s <= self.spec.stale_after_s:
            return False
        self.value = None
        return True

    def fail(self, error: ReadError, now_s: float) -> None:
        """Record a failure."""
        self.error = error
        self.failing_since_s = self.failing_since_s or now_s
        self.errors[error.reason] += 1


class Store(Generic[S, V]):
    """All records of one kind, by key. `revision` grows with everything that is new."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.records: dict[str, Record[S, V]] = {}
        self.revision = 0
        self._clock = clock
        self._watchers: list[Callable[[Record[S, V]], None]] = []

    def watch(self, accepted: Callable[[Record[S, V]], None]) -> Callable[[], None]:
        """Have each value that is accepted reported; return what ends that."""
        self._watchers.append(accepted)
        return lambda: self._watchers.remove(accepted)

    def sync(self, specs: Iterable[S]) -> set[str]:
        """Hold a record for each spec and for no other; return the keys of those removed."""
        wanted = {spec.key: spec for spec in specs}
        removed = self.records.keys() - wanted.keys()
        for key in removed:
            del self.records[key]
        for key, spec in wanted.items():
            record = self.records.get(key)
            if record is None:
                self.records[key] = record = self._new(spec)
            elif record.spec == spec:
                continue
            record.spec = spec
            self._changed(record)
        return set(removed)

    def succeeded(self, key: str, value: V, took_s: float) -> None:
        """Accept a value that was read just now."""
        if (record := self.records.get(key)) is not None:
            self._accept(record, value, took_s)
            self._changed(record)
            for accepted in self._watchers:
                accepted(record)

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        """Accept a failure that happened just now."""
        if (record := self.records.get(key)) is None:
            return
        record.took_s = took_s
        now_s = self._clock()
        record.fail(error, now_s)
        record.withdraw_if_stale(now_s)
        self._changed(record)

    def fresh(self, key: str) -> Record[S, V] | None:
        """Return a record, its value withdrawn if it is too old by now."""
        record = self.records.get(key)
        if record is not None and record.withdraw_if_stale(self._clock()):
            self._changed(record)
        return record

    def withdraw_stale(self) -> None:
        """Withdraw every value that is too old by now."""
        now_s = self._clock()
        for record in self.records.values():
            if record.withdraw_if_stale(now_s):
                self._changed(record)

    def _new(self, spec: S) -> Record[S, V]:
        return Record(spec)

    def _age_s(self, value: V) -> float:
        """Return how old a value is when it comes: nothing, where it comes from its source."""
        del value
        return 0.0

    def _problem(self, value: V) -> ReadError | None:
        """Return why a part of a value is missing; None where it is whole."""
        del value
        return None

    def _accept(self, record: Record[S, V], value: V, took_s: float) -> None:
        """Put a value into its record; an error of a part of it counts as a failure."""
        before, since_s = record.error, record.failing_since_s
        record.value, record.took_s = value, took_s
        record.read_at_s = self._clock() - self._age_s(value)
        record.error = record.failing_since_s = None
        record.reads += 1
        if (error := self._problem(value)) is not None:
            if before is None or before.reason is not error.reason:
                log.warning("%s: %s", error.reason, error, extra={"node": record.spec.key})
            record.failing_since_s = since_s
            record.fail(error, self._clock())

    def _changed(self, record: Record[S, V]) -> None:
        self.revision += 1
        record.revision = self.revision
