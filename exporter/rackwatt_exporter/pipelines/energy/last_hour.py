"""History of a node's power over the last hour, by who used it: for the page of the node.

A step is the energy that the ledger has booked since the step before, over the time that it covers:
no peak is lost, and the parts add up as the ledger does. Time that was not covered is a gap. A node
may have run thousands of jobs in an hour, so that only those with most energy have a line of their
own, and the others are what is left of all units. A unit that has ended keeps its line.
"""

import math
from array import array
from collections.abc import Iterable
from typing import NamedTuple

from rackwatt_exporter.pipelines.energy.source import EnergyView
from rackwatt_exporter.units.model import UnitInfo, UnitKey, UnitReading

STEP_S = 30.0
STEPS = 120
MAX_UNITS = 32
PARTS = ("units", "idle", "system", "unattributed")
_CLEARLY = 1.25  # by how much a unit must exceed another to take its line


class UnitHour(NamedTuple):
    """The watts of one unit, and whose it is."""

    key: UnitKey
    info: UnitInfo
    watts: list[float]


class Hour(NamedTuple):
    """Watts of each step, oldest first, None in a gap; `others` are units without a line."""

    parts: dict[str, list[float | None]]
    units: list[UnitHour]
    others: list[float | None]


class LastHour:
    """The last hour of one ledger. Times are those of a monotonic clock."""

    def __init__(self) -> None:
        self.balance: dict[str, float] = {}
        self.advanced_at_s = -math.inf
        self._parts = {part: _ring(math.nan) for part in PARTS}
        self._units: dict[UnitKey, array[float]] = {}
        self._infos: dict[UnitKey, UnitInfo] = {}
        self._step = 0
        self._last: EnergyView | None = None
        self._base: tuple[int, EnergyView] | None = None

    def watts(self, now_s: float, stale_after_s: float) -> dict[str, float]:
        """Return the power of each part in the last interval; nothing where that is too old."""
        return self.balance if now_s - self.advanced_at_s <= stale_after_s else {}

    def info(self, key: UnitKey) -> UnitInfo:
        """Return whose a unit is that has a line; empty where it has none."""
        return self._infos.get(key, UnitInfo())

    def observe(self, now_s: float, view: EnergyView, readings: Iterable[UnitReading]) -> None:
        """Note what the ledger says now; `readings` are read once a step."""
        last, self._last = self._last, view
        if last is not None and view.covered_s > last.covered_s:
            self.balance = _watts(last, view)
            self.advanced_at_s = now_s
        step = self._move(now_s)
        if self._base is None or view.covered_s < self._base[1].covered_s:
            self._base = step, view
            return
        base_step, base = self._base
        if step == base_step or view.covered_s == base.covered_s:
            return
        self._base = step, view
        covered = max(1, round((view.covered_s - base.covered_s) / STEP_S))
        steps = range(max(base_step, step - min(covered, STEPS)) + 1, step + 1)
        for part, watts in _watts(base, view).items():
            _fill(self._parts[part], steps, watts)
        self._fill_units(steps, _unit_watts(base, view))
        self._infos |= {one.key: one.info for one in readings if one.key in self._units}

    def hour(self, now_s: float, most: int) -> Hour:
        """Return the hour, from its first known step on, with lines of `most` units."""
        now = self._move(now_s)
        steps = [step % STEPS for step in range(now - STEPS + 1, now + 1)]
        known = [not math.isnan(self._parts["units"][step]) for step in steps]
        steps = steps[known.index(True) :] if any(known) else []
        named = sorted(self._units, key=lambda key: -sum(self._units[key]))[:most]
        units = [
            UnitHour(key, self.info(key), [round(self._units[key][step], 2) for step in steps])
            for key in named
            if any(self._units[key])
        ]
        parts = {part: [_known(ring[step]) for step in steps] for part, ring in self._parts.items()}
        shown = [sum(one.watts[place] for one in units) for place in range(len(steps))]
        others = [
            None if all_units is None else max(0.0, round(all_units - some, 2))
            for all_units, some in zip(parts["units"], shown, strict=True)
        ]
        return Hour(parts, units, others)

    def _move(self, now_s: float) -> int:
        """Go on to the step of a moment; what is passed over is unknown until it is booked."""
        step = int(now_s // STEP_S)
        passed = range(max(self._step, step - STEPS) + 1, step + 1)
        for ring in self._parts.values():
            _fill(ring, passed, math.nan)
        for key, ring in list(self._units.items()):
            _fill(ring, passed, 0.0)
            if passed and not any(ring):
                del self._units[key]
                self._infos.pop(key, None)
        self._step = step
        return step

    def _fill_units(self, steps: range, watts: dict[UnitKey, float]) -> None:
        new = sorted(watts.keys() - self._units.keys(), key=lambda key: (-watts[key], key))
        for key in new[:MAX_UNITS]:
            if watts[key] <= 0 or not self._make_room(watts[key], watts):
                break
            self._units[key] = _ring(0.0)
        for key, ring in self._units.items():
            _fill(ring, steps, watts.get(key, 0.0))

    def _make_room(self, wanted_watts: float, watts: dict[UnitKey, float]) -> bool:
        """Return whether there is room for one more line, where one clearly smaller may go."""
        if len(self._units) < MAX_UNITS:
            return True
        sizes = {
            key: max(watts.get(key, 0.0), sum(ring) / STEPS) for key, ring in self._units.items()
        }
        least = min(sizes, key=lambda key: (sizes[key], key))
        if wanted_watts <= _CLEARLY * sizes[least]:
            return False
        del self._units[least]
        self._infos.pop(least, None)
        return True


def _watts(before: EnergyView, after: EnergyView) -> dict[str, float]:
    """Return the mean power of each part between two advances of a ledger."""
    covered_s = after.covered_s - before.covered_s
    joules = {
        "units": after.units_total - before.units_total,
        "idle": after.idle - before.idle,
        "system": after.system - before.system,
        "unattributed": after.unattributed - before.unattributed,
    }
    return {part: used / covered_s for part, used in joules.items()}


def _unit_watts(before: EnergyView, after: EnergyView) -> dict[UnitKey, float]:
    """Return the mean power of each unit; one whose joules have fallen is another of its id."""
    covered_s = after.covered_s - before.covered_s
    watts = {}
    for key, unit in after.units.items():
        old = before.units.get(key)
        used = old.joules if old is not None and old.joules <= unit.joules else 0.0
        watts[UnitKey(*key)] = (unit.joules - used) / covered_s
    return watts


def _ring(watts: float) -> "array[float]":
    return array("f", [watts]) * STEPS


def _fill(ring: "array[float]", steps: range, watts: float) -> None:
    for step in steps:
        ring[step % STEPS] = watts


def _known(watts: float) -> float | None:
    return None if math.isnan(watts) else round(watts, 2)
