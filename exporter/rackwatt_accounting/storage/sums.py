"""Sums by day, cluster, user, account and partition, derived from the days of units.

The sums of a day are replaced as a whole, in the transaction that changed its units: at no moment
are they those of other units. A day whose units were deleted keeps its sums for ever.
"""

from collections.abc import Collection

from sqlalchemy import Insert, case, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.model.phase import Phase
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.schema import settings, sums, unit_days, units
from rackwatt_accounting.storage.upsert import replace_in

_KEY = (units.c.cluster, units.c.user, units.c.account, units.c.partition)
_SINCE = "units_since"


async def units_since(connection: AsyncConnection) -> int:
    """Return the first day that has all its units; those of earlier days may be deleted."""
    chosen = select(settings.c.value).where(settings.c.key == _SINCE)
    return int((await connection.execute(chosen)).scalar_one_or_none() or 0)


async def keep_sums_before(connection: AsyncConnection, day: int) -> None:
    """Derive no sums of earlier days any more."""
    first = max(day, await units_since(connection))
    statement = replace_in(connection, settings, ["value"])
    await connection.execute(statement.values(key=_SINCE, value=str(first)))


async def derive_sums(
    connection: AsyncConnection, cluster: int, touched: Collection[int], calendar: Calendar
) -> None:
    """Replace the sums of days by those of their units, of days that have their units still."""
    since = await units_since(connection)
    for day in sorted(day for day in touched if day >= since):
        await connection.execute(delete(sums).where(sums.c.day == day, sums.c.cluster == cluster))
        await connection.execute(_insert_sums(day, cluster, calendar.window(day)))


def _insert_sums(day: int, cluster: int, bounds: Window) -> Insert:
    wall_s = unit_days.c.wall_s
    began = case((units.c.started_s >= bounds.from_s, 1), else_=0)
    ended = case(((units.c.phase == Phase.ENDED) & (units.c.end_s <= bounds.to_s), 1), else_=0)
    counted = (
        began,
        ended,
        wall_s,
        wall_s * units.c.cpus,
        wall_s * units.c.memory_mib,
        wall_s * units.c.gpus,
        wall_s * units.c.nodes,
        wall_s * units.c.billing,
        func.coalesce(unit_days.c.host_mj, 0),
        func.coalesce(unit_days.c.gpu_mj, 0),
        unit_days.c.covered_s,
    )
    chosen = (
        select(literal(day), *_KEY, *(func.sum(value) for value in counted))
        .join_from(unit_days, units, unit_days.c.unit == units.c.id)
        .where(
            unit_days.c.day == day,
            units.c.cluster == cluster,
            units.c.end_s > units.c.started_s,
        )
        .group_by(*_KEY)
    )
    return insert(sums).from_select([column.name for column in sums.c], chosen)
