"""What each of a few things asked said last, and for how long that counts.

Schedulers, collectors and the grid are few, and each is written anew at a scrape; the fleet of
targets is not, and has the store. Unreachable is neither idle nor zero: an answer that is older
than its `stale_after_s` is let go of.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from rackwatt_exporter.reading import ReadError, Reason


class Asked(Protocol):
    """What is asked, as the documents have it."""

    @property
    def name(self) -> str:
        """Its name on the board."""
        ...

    @property
    def stale_after_s(self) -> float:
        """Age at which an answer does not count any more."""
        ...


A = TypeVar("A", bound=Asked)
T = TypeVar("T")


@dataclass(slots=True)
class Entry(Generic[A, T]):
    """Everything known of one of them. Times are monotonic seconds of this process."""

    asked: A
    answer: T | None = None
    read_at_s: float | None = None
    error: ReadError | None = None
    failing_since_s: float | None = None
    took_s: float | None = None
    reads: int = 0
    errors: Counter[Reason] = field(default_factory=Counter)

    @property
    def up(self) -> bool:
        """Whether the last question was answered, and the answer had nothing amiss."""
        return self.error is None and self.read_at_s is not None

    def age_s(self, now_s: float) -> float | None:
        """Tell the age of the last answer, whether it still counts or not."""
        return None if self.read_at_s is None else now_s - self.read_at_s

    def withdraw_if_stale(self, now_s: float) -> bool:
        """Let go of an answer that is too old; tell whether there was one to let go."""
        if self.answer is None or self.read_at_s is None:
            return False
        if now_s - self.read_at_s <= self.asked.stale_after_s:
            return False
        self.answer = None
        return True

    def fail(self, error: ReadError, now_s: float) -> None:
        """Note a failure."""
        self.error = error
        self.failing_since_s = self.failing_since_s or now_s
        self.errors[error.reason] += 1


class Board(Generic[A, T]):
    """All entries by name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.entries: dict[str, Entry[A, T]] = {}
        self._clock = clock

    def want(self, asked: Iterable[A]) -> None:
        """Hold an entry for each thing asked and for no other."""
        wanted = {one.name: one for one in asked}
        for name in self.entries.keys() - wanted.keys():
            del self.entries[name]
        for name, one in wanted.items():
            if name in self.entries:
                self.entries[name].asked = one
            else:
                self.entries[name] = Entry(one)

    def succeeded(self, key: str, result: T, took_s: float) -> None:
        """Take what was answered just now."""
        if (entry := self.entries.get(key)) is not None:
            self._take(entry, result, took_s, 0.0)

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        """Take a failure that came just now."""
        if (entry := self.entries.get(key)) is None:
            return
        entry.took_s = took_s
        entry.fail(error, self._clock())
        self.withdraw_stale()

    def withdraw_stale(self) -> bool:
        """Let go of every answer that is too old by now; tell whether there was any."""
        now_s = self._clock()
        return sum(entry.withdraw_if_stale(now_s) for entry in self.entries.values()) > 0

    def _take(self, entry: Entry[A, T], result: T, took_s: float, age_s: float) -> None:
        """Take an answer that was `age_s` old when it came."""
        entry.answer, entry.read_at_s, entry.took_s = result, self._clock() - age_s, took_s
        entry.error = entry.failing_since_s = None
        entry.reads += 1
