"""Answers to questions about usage.

Whole days of the site come from sums, whose number depends on users and days and not on units.
What is left at the edges of a window, or of days in another time zone, comes from the units of
those days: each counts with the seconds that lie within, and with that part of its energy.
"""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.model.phase import Phase
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.schema import sums, unit_days, units
from rackwatt_accounting.storage.store import Store
from rackwatt_accounting.usage.question import Question, periods
from rackwatt_accounting.usage.rows import Rows, rows_of
from rackwatt_accounting.usage.used import Used

Group = tuple[int, ...]


class UsageRow(NamedTuple):
    """What was used in one period by one group; `names` are in the order of the question."""

    period: str
    names: tuple[str, ...]
    used: Used


async def answer(store: Store, question: Question) -> AsyncIterator[UsageRow]:
    """Yield what each group used in each period, in order; a group that used nothing has no row."""
    async with store.database.reading() as connection:
        rows = await rows_of(connection, store.names, question.scope, question.filters)
        for label, window in periods(question):
            used = await _used(connection, store, question, window, rows)
            texts = await store.names.texts(
                connection, {number for group in used for number in group}
            )
            named = [(tuple(texts[number] for number in group), used[group]) for group in used]
            for names, total in sorted(named):
                yield UsageRow(label, names, total)


async def _used(
    connection: AsyncConnection,
    store: Store,
    question: Question,
    window: Window,
    rows: Rows,
) -> dict[Group, Used]:
    whole, edges = _parts(store, window)
    selected = [_sums_of(whole, question, rows)] if whole else []
    selected += [_edge(day, part, question, rows) for day, part in edges]
    used: dict[Group, Used] = {}
    for one in selected:
        for row in await connection.execute(one):
            values = tuple(row)
            group = values[: len(question.aggregate)]
            some = Used(*map(int, values[len(group) :]))
            used[group] = used[group].plus(some) if group in used else some
    return used


def _parts(store: Store, window: Window) -> tuple[range, list[tuple[int, Window]]]:
    """Return the whole days of the site within a window, and what is left of other days."""
    days = list(store.calendar.days(window))
    whole = [day for day, part in days if part == store.calendar.window(day)]
    edges = [(day, part) for day, part in days if part != store.calendar.window(day)]
    return range(whole[0], whole[-1] + 1) if whole else range(0), edges


def _sums_of(days: range, question: Question, rows: Rows) -> Select[Any]:
    group = [sums.c[dimension.value] for dimension in question.aggregate]
    totals = (func.sum(sums.c[field]) for field in Used._fields)
    return (
        select(*group, *totals)
        .where(sums.c.day.between(days[0], days[-1]), rows.of(sums.c))
        .group_by(*group)
        .having(func.count() > 0)
    )


def _edge(day: int, part: Window, question: Question, rows: Rows) -> Select[Any]:
    """Select what the units of a day used within a part of it."""
    group = [units.c[dimension.value] for dimension in question.aggregate]
    from_s, to_s = units.c.started_s + units.c.suspended_s, units.c.end_s
    first_s = case((from_s > part.from_s, from_s), else_=part.from_s)
    wall_s = case((to_s < part.to_s, to_s), else_=part.to_s) - first_s
    has_ended = units.c.phase == Phase.ENDED.value
    totals = (
        case((units.c.started_s >= part.from_s, 1), else_=0),
        case((and_(has_ended, to_s <= part.to_s), 1), else_=0),
        wall_s,
        wall_s * units.c.cpus,
        wall_s * units.c.memory_mib,
        wall_s * units.c.gpus,
        wall_s * units.c.nodes,
        wall_s * units.c.billing,
        func.coalesce(unit_days.c.host_mj, 0) * wall_s // unit_days.c.wall_s,
        func.coalesce(unit_days.c.gpu_mj, 0) * wall_s // unit_days.c.wall_s,
        unit_days.c.covered_s * wall_s // unit_days.c.wall_s,
    )
    return (
        select(*group, *map(func.sum, totals))
        .join_from(unit_days, units, unit_days.c.unit == units.c.id)
        .where(unit_days.c.day == day, unit_days.c.wall_s > 0, rows.of(units.c))
        .where(to_s > part.from_s, from_s < part.to_s)
        .group_by(*group)
        .having(func.count() > 0)
    )
