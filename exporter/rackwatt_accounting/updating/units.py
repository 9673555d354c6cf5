"""Updates of the units of one cluster: from where the last one ended until now.

Records come late, when a scheduler's accounting database was away. So each update begins some
time before the last one ended, and what came in meanwhile replaces what was known. A unit that is
believed to run and is in no answer is read by its id: that costs a scheduler little, and a search
through all its history much.

A reading that fails leaves the cursor where it is: the next update begins there again. Nothing
else waits for it, since each cluster has its own updates.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.base import AccountingSource
from rackwatt_accounting.storage.store import Store

OVERLAP_S = 3600
# Ids that one update asks for; more wait for the next one.
_UNSEEN = 300


@dataclass(frozen=True, slots=True)
class UnitUpdates:
    """Updates of one cluster. `clock` gives the Unix time."""

    store: Store
    cluster: str
    source: AccountingSource
    clock: Callable[[], float] = field(default=time.time)

    async def update(self) -> int:
        """Write what is new; return how many records were written.

        Raises:
            ReadError: the scheduler did not answer; what was written before stays.
        """
        now_s = int(self.clock())
        until_s = await self.store.cursor(self.cluster)
        today = self.store.calendar.window(self.store.calendar.day_of(now_s))
        from_s = today.from_s if until_s is None else min(until_s, now_s) - OVERLAP_S
        written = await self.fill(Window(from_s, now_s))
        return written + await self._find_unseen(now_s)

    async def fill(self, window: Window, report: Callable[[int, int], None] | None = None) -> int:
        """Write all units of a window, a day at a time; return how many records were written.

        A question for a few minutes deep in history costs a scheduler's database as much as one for
        a day, and one for a month its memory. `report` is called with each day and its records.

        Raises:
            ReadError: the scheduler did not answer; the days before stay written.
        """
        written = 0
        for day, part in self.store.calendar.days(window):
            seen_s = int(self.clock())
            batch = await _all(self.source.units(part))
            await self.store.write_window(self.cluster, part, batch, seen_s)
            written += len(batch)
            if report is not None:
                report(day, len(batch))
        return written

    async def update_associations(self) -> int:
        """Replace accounts and memberships; return how many memberships; raises ReadError."""
        associations = await self.source.associations()
        if associations is None:
            return 0
        await self.store.write_associations(self.cluster, associations)
        return len(associations.memberships)

    async def _find_unseen(self, seen_s: int) -> int:
        missed = await self.store.unseen(self.cluster, seen_s, _UNSEEN)
        if not missed:
            return 0
        now_s = int(self.clock())
        ids = sorted({job for job, _ in missed})
        since_s = min(started_s for _, started_s in missed)
        found = await _all(self.source.units_by_id(ids, since_s))
        await self.store.write_found(self.cluster, found, missed, now_s)
        return len(found)


async def _all(batches: AsyncIterator[Sequence[Unit]]) -> list[Unit]:
    """Return all units of a window: half of one is written as little as half a record."""
    return [unit async for batch in batches for unit in batch]
