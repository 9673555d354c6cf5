"""One kind of measured thing on its whole way: configuration, sources, pollers, store, families.

Whatever shows or checks what is measured (the page, /status, `check`, the list for people) goes
through the pipelines of the registry and names no kind. A new kind is a subclass and a row there.
"""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.schedule import Schedule
from rackwatt_exporter.metrics.text import FamilyLines
from rackwatt_exporter.pipelines.health import health
from rackwatt_exporter.polling.limits import ConcurrencyLimit
from rackwatt_exporter.polling.poller import Pollable, Poller, ResultSink
from rackwatt_exporter.polling.poller_group import PollerGroup
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.polling.ticks import Ticks
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.store.store import Record, Spec, Store

S = TypeVar("S", bound=Spec)
V = TypeVar("V")


class Subject(NamedTuple):
    """What a row of `check` is about."""

    node: str
    address: str
    method: str


class Measured(NamedTuple):
    """What one thing counts for in the sums of its PowerTarget; `failure` is of which it fails."""

    document: str
    up: bool
    failure: Record[Any, Any] | None
    watts: float | None = None


class Pipeline(ABC, Generic[S, V]):
    """All things of one kind. Subclasses say what is particular to theirs.

    `name` is the key of its list in the output of `check` and in /status; `noun` is what one of
    them is called. With `is_derived` its sources read what other pipelines have read before.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    is_derived: ClassVar[bool] = False

    def __init__(self, store: Store[S, V]) -> None:
        self.store = store
        self._pollers: PollerGroup[V] = PollerGroup()
        self._ticks = Ticks()
        self._retried: Counter[str] = Counter()

    # What is particular to a kind.

    @abstractmethod
    def specs(self, fleet: Fleet) -> Mapping[str, S]:
        """Return what the documents say of this kind, by key."""

    @abstractmethod
    def source(self, spec: S) -> Pollable[V]:
        """Make a source; it does no input or output yet."""

    @abstractmethod
    def identity(self, spec: S) -> object:
        """Return all that a source depends on: while it stays the same, so does the source."""

    @abstractmethod
    def pace(self, spec: S) -> PollSchedule:
        """Return how often it is polled."""

    @abstractmethod
    def subject(self, spec: S) -> Subject:
        """Name it for a row of `check`."""

    @abstractmethod
    def families(self, now_s: float) -> Iterator[FamilyLines]:
        """Go through the families of this kind with their lines; a family may have no line."""

    @abstractmethod
    def describe(self, record: Record[S, V]) -> dict[str, Any]:
        """Return what /status says of it, beside its health."""

    def found(self, record: Record[S, V]) -> str | None:
        """Return what its value is, in a few words for people; None where it has no value now."""
        return None if record.value is None else "read"

    def errors(self, record: Record[S, V]) -> Iterator[ReadError]:
        """Go through what is wrong with it now."""
        if record.error is not None:
            yield record.error

    def measured(self) -> Iterator[Measured]:
        """Go through what counts as a target of a PowerTarget."""
        return iter(())

    def reference(self, spec: S, fleet: Fleet) -> str:
        """Return where in the documents it is defined."""
        del fleet
        return f"PowerTarget {spec.document}"

    def watts(self, value: V) -> float | None:
        """Return the power in a value that was just read; None where it has none."""
        del value
        return None

    def problem(self, value: V) -> ReadError | None:
        """Return what is wrong with a part of a value; None where nothing is."""
        del value
        return None

    def absence(self, value: V) -> ReadError | None:
        """Return why there is nothing to read, where that is no failure."""
        del value
        return None

    def summary(self, value: V) -> str | None:
        """Return what a value that was just read has, for `check`; None where watts say it."""
        del value
        return None

    def offer(self, spec: S) -> str | None:
        """Return what a document offers here beside what is read; None where it is nothing."""
        del spec
        return None

    def note(self, value: V) -> str | None:
        """Return what a value that was just read leaves out; None where it is whole."""
        del value
        return None

    def origin(self, value: V) -> str | None:
        """Return where in the device a value was found; None where that is no question."""
        del value
        return None

    def limits(self, spec: S) -> tuple[ConcurrencyLimit, ConcurrencyLimit]:
        """Return the limits of concurrency: of one that is healthy, and of one that is unproven."""
        del spec
        return ConcurrencyLimit(()), ConcurrencyLimit(())

    async def release(self) -> None:
        """Close what the sources of this kind share, after each of them was closed."""

    # What is the same for all.

    def sync(self, fleet: Fleet) -> set[str]:
        """Poll what the documents say; return the keys of what was removed.

        What has not changed continues undisturbed.
        """
        specs = self.specs(fleet)
        removed = self.store.sync(specs.values())
        for key in removed:
            self._retried.pop(key, None)
        self._poll(specs)
        return removed

    def retry(self, fleet: Fleet, reasons: Iterable[Reason]) -> None:
        """Poll again, and soon, what fails for one of these reasons."""
        for key, record in self.store.records.items():
            if record.error is not None and record.error.reason in reasons:
                self._retried[key] += 1
        self._poll(self.specs(fleet))

    def poller(self, spec: S, sink: ResultSink[V]) -> Poller[V]:
        """Make a poller of one, whose results go to `sink`."""
        return Poller(
            spec.key, self.source(spec), self.pace(spec), self.limits(spec), sink, self._ticks
        )

    async def close(self) -> None:
        """Stop all pollers, and close what they hold."""
        await self._pollers.close()
        await self.release()

    def status(self, record: Record[S, V], now_s: float) -> dict[str, Any]:
        """Return what /status says of it."""
        return {**self.describe(record), **health(record, self.name, now_s)}

    def line(self, record: Record[S, V]) -> str:
        """Describe one in a line for people: what was found, and why the last read failed."""
        node, _, method = self.subject(record.spec)
        error = f"{record.error.reason}, {record.error}" if record.error else None
        words = "; ".join(filter(None, (self.found(record), error))) or "not read yet"
        return f"{self.noun.capitalize()} {node} ({method}): {words}."

    def _poll(self, specs: Mapping[str, S]) -> None:
        self._pollers.retain(specs)
        for key, spec in specs.items():
            identity = self.identity(spec), self._retried[key]
            make: Callable[[], Poller[V]] = partial(self.poller, spec, self.store)
            self._pollers.ensure(key, identity, self.pace(spec), make)


def scheduled(schedule: Schedule, max_interval_s: float = math.inf) -> PollSchedule:
    """Return the pace of a schedule, at intervals of no more than `max_interval_s`."""
    interval_s = min(schedule.interval_s, max_interval_s)
    return PollSchedule(interval_s, schedule.timeout_s, max(interval_s, schedule.max_backoff_s))
