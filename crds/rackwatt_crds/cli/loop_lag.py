"""Event loop lag, which shows whether a process keeps up; both programs measure and export it."""

import asyncio
from collections import deque

TICK_S = 1.0
WINDOW_S = 10.0


class LoopLagMonitor:
    """Measures how late a timer fires, once a second."""

    def __init__(self) -> None:
        self._lags_s: deque[float] = deque([0.0], maxlen=round(WINDOW_S / TICK_S))

    @property
    def lag_s(self) -> float:
        """Maximum lag during the last 10 seconds."""
        return max(self._lags_s)

    async def run(self) -> None:
        """Measure until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            due_s = clock() + TICK_S
            await asyncio.sleep(TICK_S)
            self._lags_s.append(max(0.0, clock() - due_s))
