"""The shape every scheduler has: it reads a snapshot, and knows nothing of time.

The mirror image of targets/base.py, so that the same polling drives both.
"""

from typing import Protocol

from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot


class Scheduler(Protocol):
    """A scheduler as it is polled: `read` is never called concurrently.

    Like a source it recovers by itself: after any error, and after being cancelled at any await,
    the next `read` reconnects.
    """

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot once.

        Raises:
            ReadError: with the reason; nothing else that the scheduler or network can cause.
        """
        ...

    async def close(self) -> None:
        """Close what is open, within a second; it may be cancelled."""
        ...
