"""From joules of units to the energy of each on one day, and how well it is known."""

from collections.abc import Iterator, Mapping
from enum import IntEnum

from rackwatt_accounting.energy.counters import Joules
from rackwatt_accounting.storage.energy import MeasuredDay, UnitDay


class Method(IntEnum):
    """The number that the database keeps; the words are those of answers.

    `COUNTERS` are the joules of the nodes' ledgers at the unit's start and end. With `RESETS` a
    ledger began again in between, and Prometheus extrapolates what it missed. `SCHEDULER` is the
    scheduler's own figure, which is right for whole nodes at best.
    """

    NONE = 0
    COUNTERS = 1
    RESETS = 2
    SCHEDULER = 3

    @property
    def word(self) -> str:
        """The word of answers."""
        return self.name.lower()


def measured_days(
    joules: Mapping[UnitDay, tuple[Joules | None, Joules | None]],
) -> Iterator[MeasuredDay]:
    """Yield the energy of units on a day, of all their joules and of those of their GPUs.

    All joules include those of GPUs, which are None where no ledger knows them. A unit without
    counters has the scheduler's own figure, once it has ended.
    """
    for unit, (found, gpu) in joules.items():
        if found is not None:
            yield _counted(unit, found, gpu)
        elif unit.has_ended and unit.scheduler_joules:
            yield _reported(unit, unit.scheduler_joules)


def _counted(unit: UnitDay, found: Joules, gpu: Joules | None) -> MeasuredDay:
    nodes = max(1, unit.nodes)
    gpu_mj = None if gpu is None else min(_millijoules(gpu.joules), _millijoules(found.joules))
    return MeasuredDay(
        unit=unit.unit,
        host_mj=_millijoules(found.joules) - (gpu_mj or 0),
        gpu_mj=gpu_mj,
        covered_s=unit.wall_s * min(found.series, nodes) // nodes,
        method=Method.RESETS if found.has_reset else Method.COUNTERS,
    )


def _reported(unit: UnitDay, joules: int) -> MeasuredDay:
    """Return the day's part of the scheduler's figure, which is that of all days."""
    wall_s = max(1, unit.end_s - unit.started_s - unit.suspended_s)
    return MeasuredDay(
        unit=unit.unit,
        host_mj=joules * 1000 * unit.wall_s // wall_s,
        gpu_mj=None,
        covered_s=unit.wall_s,
        method=Method.SCHEDULER,
    )


def _millijoules(joules: float) -> int:
    return round(joules * 1000)
