"""Work queue of reconcile keys. Pending keys are deduplicated; no key is reconciled concurrently.

A key added while it is being reconciled is reconciled once more afterwards; a hundred events in
between are one. Failed keys are retried with exponential back-off. A result may requeue its key
after a time, or at low priority, when no other key is pending.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from rackwatt_operator.kube.resources import ObjectKey

log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
_JITTER = 0.2
MAX_LOW_PRIORITY_S = 60.0
"""Longest time that a low-priority key waits while others are pending."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a reconciliation requests: another one after a time, or at low priority, or none."""

    requeue_after_s: float | None = None
    low_priority: bool = False


class RetryError(Exception):
    """A reconciliation that failed; `wait_s` is the minimum time before the next try."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


Work = Callable[[ObjectKey, bool], Awaitable[Result]]
"""Reconciles one key; the flag says whether other keys are pending."""


class WorkQueue:
    """Keys, reconciled by a fixed number of workers."""

    def __init__(
        self, work: Work, workers: int, jitter: Callable[[], float] = random.random
    ) -> None:
        self._work = work
        self._workers = workers
        self._jitter = jitter
        self._waiting: deque[ObjectKey] = deque()
        self._low_priority: dict[ObjectKey, None] = {}  # a set that keeps its order
        self._deferred_s: dict[ObjectKey, float] = {}
        self._queued: dict[ObjectKey, float] = {}
        self._active: dict[ObjectKey, float] = {}
        self._again: dict[ObjectKey, float] = {}
        self._timers: dict[ObjectKey, asyncio.TimerHandle] = {}
        self._failures: dict[ObjectKey, int] = {}
        self._draining = False
        self._wake = asyncio.Semaphore(0)
        self._open = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def depth(self) -> int:
        """Number of keys that wait for a worker."""
        return len(self._queued) + len(self._again) + len(self._low_priority)

    @property
    def retrying(self) -> int:
        """Number of keys that failed and have not succeeded since."""
        return len(self._failures)

    @property
    def oldest_s(self) -> float:
        """Longest time in seconds that a key has been waiting or in progress."""
        held = self._queued if self._open.is_set() else {}
        since_s = [*self._active.values(), *held.values()]
        return _now_s() - min(since_s) if since_s else 0.0

    def add(self, names: Iterable[ObjectKey]) -> None:
        """Queue keys."""
        for name in names:
            if timer := self._timers.pop(name, None):
                timer.cancel()
            if name in self._active:
                self._again.setdefault(name, _now_s())
            elif name not in self._queued:
                self._queued[name] = _now_s()
                self._waiting.append(name)
                if name not in self._low_priority:  # else a worker was woken already
                    self._wake.release()
                self._low_priority.pop(name, None)

    def set_active(self, active: bool) -> None:
        """Start or stop dispatching keys, as leadership changes; never again once draining."""
        if active and not self._draining:
            self._open.set()
        else:
            self._open.clear()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._worker())

    async def drain(self, grace_s: float) -> None:
        """Stop dispatching, and wait for reconciliations in progress, at most `grace_s`."""
        self._draining = True
        self.set_active(False)
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d reconciliations were interrupted", len(self._active))

    async def _worker(self) -> None:
        while True:
            await self._wake.acquire()
            await self._open.wait()
            name, busy = self._next()
            self._active[name] = _now_s()
            self._idle.clear()
            try:
                await self._once(name, busy)
            finally:
                self._finish(name)

    def _next(self) -> tuple[ObjectKey, bool]:
        """Return the next key, and whether others are pending."""
        name = next(iter(self._low_priority), None)
        if name is not None and (not self._waiting or self._overdue(name)):
            del self._low_priority[name]
            return name, False
        name = self._waiting.popleft()
        del self._queued[name]
        return name, bool(self._waiting) and not self._overdue(name)

    def _overdue(self, name: ObjectKey) -> bool:
        """Return whether a deferred key has waited long enough."""
        return _now_s() - self._deferred_s.get(name, _now_s()) > MAX_LOW_PRIORITY_S

    async def _once(self, name: ObjectKey, busy: bool) -> None:
        try:
            result = await self._work(name, busy)
        except RetryError as error:
            result = Result(requeue_after_s=max(error.wait_s, self._backoff_s(name)))
            level = logging.DEBUG if self._failures[name] > 1 else logging.INFO
            log.log(level, "retrying %s in %.0f s: %s", name, result.requeue_after_s, error)
        except Exception:
            result = Result(requeue_after_s=self._backoff_s(name))
            log.exception("unexpected error, retrying %s in %.0f s", name, result.requeue_after_s)
        else:
            self._failures.pop(name, None)
        if result.low_priority:  # the first time counts, however often the key is added again
            self._deferred_s.setdefault(name, _now_s())
            self._low_priority[name] = None
            self._wake.release()
            return
        self._deferred_s.pop(name, None)
        if result.requeue_after_s is not None:
            self._later(name, result.requeue_after_s)

    def _finish(self, name: ObjectKey) -> None:
        del self._active[name]
        if self._again.pop(name, None) is not None:
            self.add([name])
        if not self._active:
            self._idle.set()

    def _backoff_s(self, name: ObjectKey) -> float:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        backoff_s = FIRST_BACKOFF_S * 2 ** min(failures - 1, 20)
        return float(min(backoff_s, LONGEST_BACKOFF_S) * (1 + _JITTER * self._jitter()))

    def _later(self, name: ObjectKey, delay_s: float) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[name] = loop.call_later(delay_s, self.add, (name,))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
