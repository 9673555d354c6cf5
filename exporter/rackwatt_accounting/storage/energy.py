"""The energy of units on days: which of them to measure, and what was measured."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.model.phase import Phase
from rackwatt_accounting.storage.schema import unit_days, units


class UnitDay(NamedTuple):
    """A unit on one day. `runs` is how many units of its id there are on that day."""

    unit: int
    job: str
    started_s: int
    end_s: int
    suspended_s: int
    has_ended: bool
    nodes: int
    wall_s: int
    scheduler_joules: int | None
    runs: int


class MeasuredDay(NamedTuple):
    """The energy of a unit on one day; None where nothing measured it."""

    unit: int
    host_mj: int | None
    gpu_mj: int | None
    covered_s: int
    method: int


async def days_since(
    connection: AsyncConnection, cluster: int, day: int, since_s: int
) -> list[UnitDay]:
    """Return the units of a day that ran since a moment, and all whose id was used again."""
    runs = func.count().over(partition_by=units.c.job)
    of_day = (
        select(
            units.c.id,
            units.c.job,
            units.c.started_s,
            units.c.end_s,
            units.c.suspended_s,
            units.c.phase,
            units.c.nodes,
            unit_days.c.wall_s,
            units.c.scheduler_joules,
            runs.label("runs"),
        )
        .join_from(unit_days, units, unit_days.c.unit == units.c.id)
        .where(unit_days.c.day == day, units.c.cluster == cluster, unit_days.c.wall_s > 0)
        .subquery()
    )
    chosen = select(of_day).where((of_day.c.end_s >= since_s) | (of_day.c.runs > 1))
    return [_unit_day(row) for row in await connection.execute(chosen)]


def _unit_day(row: Any) -> UnitDay:
    fields = row._asdict()
    return UnitDay(
        unit=fields.pop("id"), has_ended=fields.pop("phase") != Phase.RUNNING.value, **fields
    )


async def write_energy(
    connection: AsyncConnection, day: int, measured: Iterable[MeasuredDay]
) -> None:
    """Write what was measured of units on a day, in the place of what was there."""
    fields = ("host_mj", "gpu_mj", "covered_s", "method")
    statement = (
        update(unit_days)
        .where(unit_days.c.day == day, unit_days.c.unit == bindparam("measured"))
        .values({field: bindparam(f"new_{field}") for field in fields})
    )
    rows = [
        {"measured": one.unit} | {f"new_{field}": getattr(one, field) for field in fields}
        for one in measured
    ]
    if rows:
        await connection.execute(statement, rows)
