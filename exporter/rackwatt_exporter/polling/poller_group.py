"""All pollers of one kind: started, replaced and stopped as the documents say.

What has not changed is not touched: its session, its place in the interval and its failures stay.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from rackwatt_exporter.polling.beats import Beats
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.polling.schedule import PollSchedule

T = TypeVar("T")

# Sessions closed at once: the deadline of each must be for its peer, not for our own queue.
CLOSING_AT_ONCE = 256
_TURN_S = 8.0


class PollerGroup(Generic[T]):
    """Pollers by key; each with the identity of the source it was made for."""

    def __init__(self) -> None:
        self._pollers: dict[str, tuple[object, Poller[T], asyncio.Task[None]]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._beats = Beats()
        self._turns = asyncio.Semaphore(CLOSING_AT_ONCE)

    def __len__(self) -> int:
        return len(self._pollers)

    def keep(self, wanted: Iterable[str]) -> None:
        """Stop every poller whose key is not wanted any more."""
        for key in self._pollers.keys() - set(wanted):
            self._stop(key)

    def have(
        self, key: str, identity: object, pace: PollSchedule, make: Callable[[], Poller[T]]
    ) -> None:
        """Hold that a poller runs for this identity at this pace; `make` one if it does not."""
        present = self._pollers.get(key)
        if present and present[0] == identity:
            present[1].pace = pace
            return
        if present:
            self._stop(key)
        poller = make()
        task = asyncio.create_task(poller.run(self._beats), name=f"poll {key}")
        self._pollers[key] = (identity, poller, task)

    async def close(self) -> None:
        """Stop all, their sessions closed side by side, some hundreds at a time."""
        for key in list(self._pollers):
            self._stop(key)
        if self._closing:
            await asyncio.wait(self._closing)

    def _stop(self, key: str) -> None:
        _, poller, task = self._pollers.pop(key)
        closing = asyncio.create_task(self._ended(poller, task), name=f"close {key}")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _ended(self, poller: Poller[T], task: asyncio.Task[None]) -> None:
        """Cancel the loop first: a source is never closed while it reads."""
        task.cancel()
        await asyncio.wait([task])
        try:
            async with asyncio.timeout(_TURN_S):
                await self._turns.acquire()
        except TimeoutError:  # whoever is before it is silent: a process that ends cannot wait
            await poller.close()
            return
        try:
            await poller.close()
        finally:
            self._turns.release()
