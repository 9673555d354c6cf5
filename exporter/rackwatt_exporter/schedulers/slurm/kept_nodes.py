"""The nodes of slurmrestd's last answer, kept while it says that nothing has changed since.

slurmctld compares two times of its own clock. Once that steps back, or another slurmctld takes
over, a time of the clock before may be later than all changes to come: all of them would stay
unseen. So no request names a time that is in the future, and all nodes are read now and then
whatever the clocks say.
"""

import asyncio
import time

from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

ALL_AGAIN_S = 300.0


class KeptNodes:
    """The last snapshot of nodes, None while there is none, and since when it holds."""

    def __init__(self) -> None:
        self.snapshot: SchedulerSnapshot | None = None
        self._updated_s: int | None = None
        self._read_s = 0.0  # by the clock of the loop

    def since_s(self) -> int | None:
        """Return since when to request changes (Unix time); None where all nodes are to be read."""
        read_ago_s = asyncio.get_running_loop().time() - self._read_s
        if self._updated_s is None or self._updated_s > time.time() or read_ago_s >= ALL_AGAIN_S:
            return None
        return self._updated_s

    def keep(self, snapshot: SchedulerSnapshot, updated_s: int | None) -> None:
        """Keep all nodes, as they were just read; `updated_s` is slurmctld's time of them."""
        self.snapshot, self._updated_s = snapshot, updated_s
        self._read_s = asyncio.get_running_loop().time()

    def forget(self) -> None:
        """Forget them, so that the next request is for all."""
        self.snapshot = self._updated_s = None
