"""Retention: records of units go after their time, and the sums of their days stay."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rackwatt_accounting.storage.store import Store


@dataclass(frozen=True, slots=True)
class Retention:
    """Deletes units that ended more than `units_days` ago. `clock` gives the Unix time."""

    store: Store
    units_days: int
    clock: Callable[[], float] = field(default=time.time)

    async def apply(self) -> int:
        """Delete what is older; return how many units."""
        today = self.store.calendar.day_of(int(self.clock()))
        return await self.store.delete_units_before(today - self.units_days)
