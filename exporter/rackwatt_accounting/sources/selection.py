"""Which units belong to a window: schedulers list more, and each in its own way."""

from collections.abc import Iterable

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window


def within(units: Iterable[Unit], window: Window) -> list[Unit]:
    """Return the units that ran or ended at some time within a window."""
    from_s, to_s = window
    return [
        unit
        for unit in units
        if unit.started_at_s < to_s and (unit.ended_at_s is None or unit.ended_at_s >= from_s)
    ]
