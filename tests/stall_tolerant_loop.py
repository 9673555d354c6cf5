"""uvloop with a clock that stops while the machine does not run the process.

Where both ends of a connection live in one loop, a process that is suspended for a second finds all
its timeouts expired before it has read the data that arrived meanwhile, and a test of short
intervals fails without a bug. On this loop a second in which the process did not run does not pass:
time advances by small steps, and the loop polls for events after each. While such a loop runs,
`time.monotonic` and `time.time` return its time: they are replaced when this module is imported, for
defaults of parameters keep the function that they find then.
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
LONGEST_STEP_S = 0.02  # the most that a step advances the clock, however long it took

_true_s, _true_wall_s = time.monotonic, time.time
_running: list["AttendedLoop"] = []


class AttendedLoop(uvloop.Loop):
    """An uvloop whose timers and `time` use attended seconds, in which the process ran."""

    def __init__(self) -> None:
        self._passed_s = self._stepped_s = _true_s()
        self._timers: list[asyncio.TimerHandle] = []
        super().call_later(STEP_S, self._step)

    def time(self) -> float:
        """Return this loop's own seconds."""
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
        """Do nothing: a cancelled timer is dropped when it is due."""

    def _step(self) -> None:
        self._passed_s, self._stepped_s = self.time(), _true_s()
        while self._timers and self._timers[0].when() <= self._passed_s:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled():
                self.call_soon(timer._run)
        super().call_later(STEP_S, self._step)


def _monotonic() -> float:
    """Return the seconds of the attended loop that runs, or the machine's own."""
    return _running[-1].time() if _running else _true_s()


def _wall() -> float:
    """Return the seconds since the epoch, less those in which the running loop was suspended."""
    return _true_wall_s() - (_true_s() - _monotonic())


time.monotonic, time.time = _monotonic, _wall
