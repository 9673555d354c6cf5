"""Updates of the energy of one cluster's units: a day at a time, always of the whole day so far.

What is written of a unit on a day replaces what was there: so an update may be done twice, or
after a kill, and a Prometheus that was away for an hour loses nothing that its counters still have.
It has a cursor of its own: a Prometheus that fails holds up no units.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rackwatt_accounting.energy.attribution import measured_days
from rackwatt_accounting.energy.counters import GPU, HOST, CounterReader, Joules
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.energy import UnitDay
from rackwatt_accounting.storage.store import ENERGY, Store
from rackwatt_accounting.updating.units import OVERLAP_S

# For how long after its end the last value of a unit may come: two scrapes of a minute.
GRACE_S = 120


@dataclass(frozen=True, slots=True)
class EnergyUpdates:
    """Updates of the energy of one cluster. `clock` gives the Unix time."""

    store: Store
    cluster: str
    reader: CounterReader
    clock: Callable[[], float] = field(default=time.time)

    async def update(self) -> int:
        """Write the energy of units since the last update; return of how many.

        It goes no further than the units themselves are known: one that comes later would have no
        energy for ever.

        Raises:
            ReadError: Prometheus did not answer; the days before stay written.
        """
        units_until_s = await self.store.cursor(self.cluster)
        if units_until_s is None:
            return 0
        to_s = min(int(self.clock()), units_until_s)
        until_s = await self.store.cursor(self.cluster, ENERGY)
        today = self.store.calendar.window(self.store.calendar.day_of(to_s))
        from_s = today.from_s if until_s is None else min(until_s, to_s) - OVERLAP_S
        return await self.fill(Window(from_s, to_s))

    async def fill(self, window: Window) -> int:
        """Write the energy of the units of a window; return of how many; raises ReadError."""
        written = 0
        for day, part in self.store.calendar.days(window):
            units = await self.store.units_of_day(self.cluster, day, part.from_s)
            so_far = Window(self.store.calendar.window(day).from_s, part.to_s)
            total = await self._joules(HOST, so_far, units)
            gpu = await self._joules(GPU, so_far, units) if total else {}
            found = {unit: (total.get(unit), gpu.get(unit)) for unit in units}
            days = list(measured_days(found))
            await self.store.write_energy(self.cluster, day, part.to_s, days)
            written += len(days)
        return written

    async def _joules(
        self, family: str, so_far: Window, units: Sequence[UnitDay]
    ) -> dict[UnitDay, Joules]:
        """Return the joules of units, those of one id each between its own start and end."""
        once = [unit for unit in units if unit.runs == 1]
        joules = await self.reader.joules(family, so_far) if once else {}
        late = [unit for unit in once if _ends_late(unit, so_far)]
        if late:
            later = await self.reader.joules(family, Window(so_far.from_s, so_far.to_s + GRACE_S))
            joules.update({unit.job: later[unit.job] for unit in late if unit.job in later})
        found = {unit: joules[unit.job] for unit in once if unit.job in joules}
        for unit, run in _runs([unit for unit in units if unit.runs > 1]):
            of_run = await self.reader.joules(family, so_far.overlap(run), unit.job)
            found.update({unit: of_run[unit.job]} if unit.job in of_run else {})
        return found


def _ends_late(unit: UnitDay, so_far: Window) -> bool:
    """Whether the last value of a unit may come after the end of a window."""
    return unit.has_ended and so_far.to_s - GRACE_S < unit.end_s <= so_far.to_s


def _runs(units: Sequence[UnitDay]) -> Iterator[tuple[UnitDay, Window]]:
    """Yield units of ids that were used again, and when the counter of the id is theirs."""
    for unit in units:
        next_s = min(
            (other.started_s for other in units if other.job == unit.job
             and other.started_s >= unit.end_s and other != unit),
            default=unit.end_s + GRACE_S,
        )  # fmt: skip
        yield unit, Window(unit.started_s, min(next_s, unit.end_s + GRACE_S))
