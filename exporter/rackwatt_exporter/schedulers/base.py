"""The shape every scheduler has: it reads a snapshot, and knows nothing of time.

The mirror image of targets/base.py, so that the same polling drives both.
"""

from typing import Protocol

from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot


class Scheduler(Protocol):
    """One scheduler's end of a way to ask it. Whoever holds it never calls it twice at once.

    Like a source it mends itself: after any error, and after being cancelled at any await, the
    next `read` sets up anew what has to be.
    """

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot once.

        Raises:
            ReadError: with the reason; nothing else that the scheduler or network can cause.
        """
        ...

    async def close(self) -> None:
        """End what is open, within a second; it may be cut short."""
        ...
