"""Data of the node page, which /status has as well: this machine, measured from inside.

Its size is bounded whatever the node runs. What is not known is null, never 0: a value of the last
interval is withdrawn as soon as the ledger has not advanced for as long as a value counts.
"""

import time
from collections.abc import Iterator
from typing import Any

from rackwatt_exporter import __version__
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.pipelines.energy.last_hour import STEP_S
from rackwatt_exporter.pipelines.energy.pipeline import EnergyRecord
from rackwatt_exporter.pipelines.energy.source import UnitEnergy
from rackwatt_exporter.pipelines.pipeline import Pipeline
from rackwatt_exporter.units.model import UnitInfo, UnitKey, UnitReading

MAX_UNITS = 500
_LINES = 10


def is_measured(exporter: Exporter) -> bool:
    """Return whether documents have this machine measured from inside."""
    registry = exporter.registry
    return any(one.store.records for one in (registry.collectors, registry.units, registry.energy))


def node_data(exporter: Exporter, max_units: int = MAX_UNITS) -> dict[str, Any]:
    """Return all that is known of this machine, with at most `max_units` of its units."""
    now_s = time.monotonic()
    exporter.withdraw_stale()
    registry = exporter.registry
    record = next(iter(registry.energy.store.records.values()), None)
    watts = _watts(exporter, record, now_s)
    units = sorted(_units(exporter, record, watts), key=_most)
    return {
        "node": exporter.host.node,
        "version": __version__,
        "measured": is_measured(exporter),
        "divided": record is not None,
        "watts": round(sum(watts.values()), 3) if watts else None,
        "parts": {part: round(power, 3) for part, power in watts.items()} or None,
        "energy": _health(registry.energy, now_s),
        "collectors": _health(registry.collectors, now_s),
        "managers": _health(registry.units, now_s),
        "unit_count": len(units),
        "units": units[:max_units],
    }


def node_hour(exporter: Exporter) -> dict[str, Any]:
    """Return the last hour of this machine, by part and by the units that used most."""
    hour = exporter.registry.energy.store.last_hour.hour(time.monotonic(), _LINES)
    return {
        "step_s": STEP_S,
        "parts": hour.parts,
        "units": [
            {"manager": one.key.manager, "unit": one.key.unit, **_whose(one.info)}
            | {"watts": one.watts}
            for one in hour.units
        ],
        "others": hour.others,
    }


def _watts(exporter: Exporter, record: EnergyRecord | None, now_s: float) -> dict[str, float]:
    if record is None or record.value is None:
        return {}
    return exporter.registry.energy.store.last_hour.watts(now_s, record.spec.stale_after_s)


def _health(pipeline: Pipeline[Any, Any], now_s: float) -> list[dict[str, Any]]:
    records = pipeline.store.records.values()
    return [
        {**pipeline.status(record, now_s), "found": pipeline.found(record)} for record in records
    ]


def _units(
    exporter: Exporter, record: EnergyRecord | None, watts: dict[str, float]
) -> Iterator[dict[str, Any]]:
    """Go through the units that run, and those that have ended lately."""
    store = exporter.registry.units.store
    readings = {one.key: one for one in store.readings()}
    used = record.value.units if record is not None and record.value is not None else {}
    known = {name for name, one in store.records.items() if one.value is not None}
    whole = sum(watts.values())
    for key in readings.keys() | {UnitKey(*key) for key in used}:
        reading = readings.get(key)
        info = exporter.registry.energy.store.last_hour.info(key)
        yield _unit(key, reading, info, key.manager in known, used.get(key), whole)


def _unit(
    key: UnitKey,
    reading: UnitReading | None,
    info: UnitInfo,
    is_known: bool,
    used: UnitEnergy | None,
    node_watts: float,
) -> dict[str, Any]:
    """Describe a unit; whether it runs is unknown where its manager is."""
    runs = reading is not None and not reading.has_ended
    has_power = used is not None and runs and node_watts > 0
    watts = used.watts if used is not None and has_power else None
    return {
        "manager": key.manager,
        "unit": key.unit,
        **_whose(reading.info if reading is not None else info),
        "running": runs if runs or is_known else None,
        "cpus": reading.cpus if reading is not None else None,
        "memory_bytes": reading.memory_bytes if reading is not None else None,
        "gpus": round(sum(gpu.share for gpu in reading.gpus), 3) if reading is not None else None,
        "watts": None if watts is None else round(watts, 3),
        "joules": None if used is None else round(used.joules, 3),
        "share": None if watts is None else round(watts / node_watts, 4),
    }


def _whose(info: UnitInfo) -> dict[str, str]:
    return {"user": info.user, "account": info.account, "name": info.name, "uuid": info.uuid}


def _most(unit: dict[str, Any]) -> tuple[float, float, str, str]:
    """Order units by what they draw, then by what they have used."""
    return -(unit["watts"] or 0.0), -(unit["joules"] or 0.0), unit["manager"], unit["unit"]
