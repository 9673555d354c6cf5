"""uvloop on a clock that stands still while the machine does something else.

Where both ends of a conversation live in one loop, a process that was not let run for a second
finds all its timeouts expired before it has read what came meanwhile, and a test of short intervals
fails for no fault of anybody. Here a second that nobody attended to has not passed: time goes on by
small steps, each followed by a look at what has come. While such a loop runs, `time.monotonic` and
`time.time` go by it: they are replaced as soon as this module is imported, for defaults of
parameters keep what they find then.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple

import uvloop

Ts = TypeVarTuple("Ts")

STEP_S = 0.004
LONGEST_STEP_S = 0.02  # what counts of a step, however long it took

_true_s, _true_wall_s = time.monotonic, time.time
_running: list["AttendedLoop"] = []


class AttendedLoop(uvloop.Loop):
    """Timers and `time` go by attended seconds; everything else is uvloop's own."""

    def __init__(self) -> None:
        self._passed_s = self._stepped_s = _true_s()
        self._timers: list[asyncio.TimerHandle] = []
        super().call_later(STEP_S, self._step)

    def time(self) -> float:
        """Tell this loop's own seconds."""
        return self._passed_s + min(_true_s() - self._stepped_s, LONGEST_STEP_S)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call after so many attended seconds."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at an attended time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, timer)
        return timer

    def run_forever(self) -> None:
        """Run until stopped."""
        _running.append(self)
        try:
            super().run_forever()
        finally:
            _running.remove(self)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Let it be forgotten when it is due."""

    def _step(self) -> None:
        self._passed_s, self._stepped_s = self.time(), _true_s()
        while self._timers and self._timers[0].when() <= self._passed_s:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled():
                self.call_soon(timer._run)
        super().call_later(STEP_S, self._step)


def _monotonic() -> float:
    """Tell the seconds of the attended loop that runs, or the machine's own."""
    return _running[-1].time() if _running else _true_s()


def _wall() -> float:
    """Tell the seconds since the epoch, less those that the loop which runs was not attended to."""
    return _true_wall_s() - (_true_s() - _monotonic())


time.monotonic, time.time = _monotonic, _wall
