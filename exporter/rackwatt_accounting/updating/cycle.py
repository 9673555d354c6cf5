"""The cycle of one cluster: an update each interval, and what became of the last one."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rackwatt_exporter.reading import ReadError

log = logging.getLogger(__name__)

# A source that fails is tried again sooner than an interval of a quarter of an hour.
_RETRY_S = 60.0


@dataclass(slots=True)
class Progress:
    """What became of the updates of one subject of a cluster; times are Unix times."""

    succeeded_at_s: float | None = None
    failed_at_s: float | None = None
    reason: str = ""
    detail: str = ""
    records: int = 0
    duration_s: float = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last update failed."""
        return bool(self.reason)


class Cycle:
    """Runs one kind of update of one cluster for ever."""

    def __init__(self, name: str, update: Callable[[], Awaitable[int]], interval_s: float) -> None:
        self.name = name
        self.progress = Progress()
        self._update = update
        self._interval_s = interval_s

    async def run(self) -> None:
        """Update at once, and then each interval, until cancelled."""
        while True:
            await self.once()
            wait_s = self._interval_s
            if self.progress.is_failing:
                wait_s = min(wait_s, _RETRY_S)
            await asyncio.sleep(wait_s * random.uniform(0.95, 1.05))  # noqa: S311

    async def once(self) -> None:
        """Update once, and keep what became of it."""
        progress, began_s = self.progress, time.monotonic()
        try:
            progress.records += await self._update()
        except ReadError as error:
            if (progress.reason, progress.detail) != (error.reason, str(error)):
                log.warning("%s: not updated: %s: %s", self.name, error.reason, str(error))
            progress.reason, progress.detail = str(error.reason), str(error)
            progress.failed_at_s = time.time()
        else:
            if progress.is_failing:
                log.info("%s: updated again", self.name)
            progress.reason = progress.detail = ""
            progress.succeeded_at_s = time.time()
        progress.duration_s = time.monotonic() - began_s
