"""Whose turn it is: each document once, however often it is named, and never twice at a time.

A name added while its work is going on is worked on again when that ends; a hundred events in
between are one. What fails comes back after a while that doubles; what goes well is looked at again
now and then without a reason, for watches can lose things. What is not pressing waits until nothing
else does. Only the loop's clock is asked.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from rackwatt_operator.kube.resources import ObjectKey

log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
_JITTER = 0.2
PATIENCE_S = 60.0
"""A name that nothing presses waits so long for the others at most."""
DONE = float("inf")
"""What work answers when nothing has to be looked at again but for an event."""
LEISURE = -1.0
"""What work answers that has left something for when no other name waits."""


class RetryError(Exception):
    """The work could not be finished; `wait_s` is the least time to wait before the next try."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


Work = Callable[[ObjectKey, bool], Awaitable[float]]
"""Work on one name, briefly if others press; it answers after how many seconds to look again, or
DONE, or LEISURE."""


class WorkQueue:
    """Names, worked on by a fixed number of workers."""

    def __init__(
        self, work: Work, workers: int, jitter: Callable[[], float] = random.random
    ) -> None:
        self._work = work
        self._workers = workers
        self._jitter = jitter
        self._waiting: deque[ObjectKey] = deque()
        self._leisure: dict[ObjectKey, None] = {}  # a set that keeps its order
        self._left_s: dict[ObjectKey, float] = {}
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
        """How many names wait for a worker."""
        return len(self._queued) + len(self._again) + len(self._leisure)

    @property
    def retrying(self) -> int:
        """How many names have failed and not succeeded since."""
        return len(self._failures)

    @property
    def oldest_s(self) -> float:
        """For how long the longest work has been going on, or the longest name has waited."""
        held = self._queued if self._open.is_set() else {}
        since_s = [*self._active.values(), *held.values()]
        return _now_s() - min(since_s) if since_s else 0.0

    def add(self, names: Iterable[ObjectKey]) -> None:
        """Have names worked on as soon as may be."""
        for name in names:
            if timer := self._timers.pop(name, None):
                timer.cancel()
            if name in self._active:
                self._again.setdefault(name, _now_s())
            elif name not in self._queued:
                self._queued[name] = _now_s()
                self._waiting.append(name)
                if name not in self._leisure:  # else a worker was woken for it
                    self._wake.release()
                self._leisure.pop(name, None)

    def lead(self, leads: bool) -> None:
        """Let workers take names, or let them take no other: somebody else may lead.

        What was told to drain takes none any more.
        """
        if leads and not self._draining:
            self._open.set()
        else:
            self._open.clear()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._worker())

    async def drain(self, grace_s: float) -> None:
        """Take no more names, and wait until what is being worked on is done, if it is in time."""
        self._draining = True
        self.lead(False)
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d reconciliations were cut short", len(self._active))

    async def _worker(self) -> None:
        while True:
            await self._wake.acquire()
            await self._open.wait()
            name, pressed = self._next()
            self._active[name] = _now_s()
            self._idle.clear()
            try:
                await self._once(name, pressed)
            finally:
                self._finish(name)

    def _next(self) -> tuple[ObjectKey, bool]:
        """Take the name whose turn it is, and tell whether others press."""
        name = next(iter(self._leisure), None)
        if name is not None and (not self._waiting or self._overdue(name)):
            del self._leisure[name]
            return name, False
        name = self._waiting.popleft()
        del self._queued[name]
        return name, bool(self._waiting) and not self._overdue(name)

    def _overdue(self, name: ObjectKey) -> bool:
        """Tell whether a name has waited long enough since something of it was left for later."""
        return _now_s() - self._left_s.get(name, _now_s()) > PATIENCE_S

    async def _once(self, name: ObjectKey, pressed: bool) -> None:
        try:
            again_s = await self._work(name, pressed)
        except RetryError as error:
            again_s = max(error.wait_s, self._backoff_s(name))
            told = log.debug if self._failures[name] > 1 else log.info
            told("%s: again in %.0f s: %s", name, again_s, error)
        except Exception:
            again_s = self._backoff_s(name)
            log.exception("%s: again in %.0f s", name, again_s)
        else:
            self._failures.pop(name, None)
        if again_s == LEISURE:  # what is named again and again does not wait anew each time
            self._left_s.setdefault(name, _now_s())
            self._leisure[name] = None
            self._wake.release()
            return
        self._left_s.pop(name, None)
        if again_s != DONE:
            self._later(name, again_s)

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
