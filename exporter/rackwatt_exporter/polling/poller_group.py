"""Pollers of one kind: started, replaced and stopped as the configuration changes.

An unchanged poller is not touched: it keeps its session, its offset in the interval and its
failures.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.polling.schedule import PollSchedule

T = TypeVar("T")

# Sessions closed concurrently: the timeout of each must not elapse in a queue of our own.
MAX_CLOSING = 256
_CLOSE_WAIT_S = 8.0


class PollerGroup(Generic[T]):
    """Pollers by key, each with the identity of its source."""

    def __init__(self) -> None:
        self._pollers: dict[str, tuple[object, Poller[T], asyncio.Task[None]]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._close_slots = asyncio.Semaphore(MAX_CLOSING)

    def __len__(self) -> int:
        return len(self._pollers)

    def retain(self, keys: Iterable[str]) -> None:
        """Stop every poller with another key."""
        for key in self._pollers.keys() - set(keys):
            self._stop(key)

    def ensure(
        self, key: str, identity: object, schedule: PollSchedule, make: Callable[[], Poller[T]]
    ) -> None:
        """Ensure that a poller of this identity runs on this schedule; `make` it if none does."""
        present = self._pollers.get(key)
        if present and present[0] == identity:
            present[1].schedule = schedule
            return
        if present:
            self._stop(key)
        poller = make()
        task = asyncio.create_task(poller.run(), name=f"poll {key}")
        self._pollers[key] = (identity, poller, task)

    async def close(self) -> None:
        """Stop all; some hundreds of sessions are closed concurrently."""
        for key in list(self._pollers):
            self._stop(key)
        if self._closing:
            await asyncio.wait(self._closing)

    def _stop(self, key: str) -> None:
        _, poller, task = self._pollers.pop(key)
        closing = asyncio.create_task(self._end(poller, task), name=f"close {key}")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _end(self, poller: Poller[T], task: asyncio.Task[None]) -> None:
        """Cancel the loop, then close its source: never while it reads."""
        task.cancel()
        await asyncio.wait([task])
        try:
            async with asyncio.timeout(_CLOSE_WAIT_S):
                await self._close_slots.acquire()
        except (
            TimeoutError
        ):  # the peers before it do not respond, and a process that ends cannot wait
            await poller.close()
            return
        try:
            await poller.close()
        finally:
            self._close_slots.release()
