"""Ticks on which pollers wake: one timer of the event loop for all that wait for the same tick.

A timer for each of ten thousand targets takes 5 µs of the 40 that a reading takes without its
protocol.
"""

import asyncio

from rackwatt_exporter.polling.schedule import TICK_S


class Ticks:
    """Waiting futures by tick."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}

    async def sleep(self, delay_s: float) -> None:
        """Sleep until the tick that is closest to `delay_s` seconds from now."""
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        tick = round((loop.time() + delay_s) / TICK_S)
        waiting = self._waiting.get(tick)
        if waiting is None:
            waiting = self._waiting[tick] = []
            loop.call_at(tick * TICK_S, self._wake, tick)
        future = loop.create_future()
        waiting.append(future)
        await future

    def _wake(self, tick: int) -> None:
        for future in self._waiting.pop(tick):
            if not future.done():  # else it was cancelled
                future.set_result(None)
