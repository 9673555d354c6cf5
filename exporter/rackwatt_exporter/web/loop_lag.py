"""How late the event loop is: the one figure that says whether the process keeps up."""

import asyncio
import time
from collections import deque

_TICK_S = 1.0
_TICKS = 10


class LoopLagMonitor:
    """Measures its own lateness, once a second."""

    def __init__(self) -> None:
        self._lags_s: deque[float] = deque([0.0], maxlen=_TICKS)

    @property
    def lag_s(self) -> float:
        """The worst lateness of the last ticks, in seconds."""
        return max(self._lags_s)

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due_s = time.monotonic() + _TICK_S
            await asyncio.sleep(_TICK_S)
            self._lags_s.append(max(0.0, time.monotonic() - due_s))
