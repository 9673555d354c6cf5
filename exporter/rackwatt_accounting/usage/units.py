"""Units themselves: those that used anything within a window, the newest first, a page at a time.

A page goes on after the last unit of the one before, not after a number of units: so units that
come in meanwhile neither repeat nor hide any. A page takes the same time however many units there
are: those that ended within the window come from an index, and those that ran on from its last day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.energy.attribution import Method
from rackwatt_accounting.identity.rights import Scope
from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.model.phase import Phase
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.schema import unit_days, units
from rackwatt_accounting.storage.store import Store
from rackwatt_accounting.usage.question import Dimension
from rackwatt_accounting.usage.rows import Rows, rows_of

TEXTS = (
    "cluster", "user", "account", "group", "partition", "qos", "state", "exit_code", "tres",
    "work_directory",
)  # fmt: skip


class Position(NamedTuple):
    """The unit after which a page begins: its end, and its number."""

    end_s: int
    number: int


class Energy(NamedTuple):
    """The energy of a unit over all its days; None where nothing measured it."""

    host_mj: int | None
    gpu_mj: int | None
    covered_s: int
    method: Method


_UNMEASURED = Energy(None, None, 0, Method.NONE)


class UnitRecord(NamedTuple):
    """A unit as the database has it; `texts` are its names by column."""

    row: Any
    texts: Mapping[str, str]
    energy: Energy

    @property
    def is_running(self) -> bool:
        """Whether it was running when it was last seen."""
        return int(self.row.phase) == Phase.RUNNING

    @property
    def wall_s(self) -> int:
        """For how many seconds it held its allocation, suspended ones left out."""
        return max(0, int(self.row.end_s - self.row.started_s - self.row.suspended_s))

    @property
    def position(self) -> Position:
        """Where the page after it begins."""
        return Position(self.row.end_s, self.row.id)


@dataclass(frozen=True, slots=True)
class UnitsQuestion:
    """Which units are listed; with `ids` only those."""

    window: Window
    scope: Scope
    filters: Mapping[Dimension, Sequence[str]] = field(default_factory=dict)
    ids: Sequence[str] = ()
    after: Position | None = None
    limit: int = 100


async def list_units(store: Store, question: UnitsQuestion) -> list[UnitRecord]:
    """Return a page of units."""
    async with store.database.reading() as connection:
        rows = await rows_of(connection, store.names, question.scope, question.filters)
        found: list[Any] = []
        for condition in _conditions(question, rows, store.calendar):
            left = question.limit - len(found)
            if left > 0:
                found += (await connection.execute(_page(question, condition, left))).all()
        energies = await _energies(connection, store.calendar, found)
        numbers = {getattr(row, name) for row in found for name in TEXTS}
        texts = await store.names.texts(connection, numbers)
    return [
        UnitRecord(
            row,
            {name: texts[getattr(row, name)] for name in TEXTS},
            energies.get(row.id, _UNMEASURED),
        )
        for row in found
    ]


def _conditions(
    question: UnitsQuestion, rows: Rows, calendar: Calendar
) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of the parts of a list, in its order."""
    allowed = rows.of(units.c)
    if question.ids:
        return [and_(allowed, units.c.job.in_(question.ids))]
    from_s, to_s = question.window
    if from_s >= to_s:
        return []
    last_day = select(unit_days.c.unit).where(unit_days.c.day == calendar.day_of(to_s - 1))
    ran_on = and_(units.c.id.in_(last_day), units.c.end_s > to_s, units.c.started_s < to_s)
    ended = and_(units.c.end_s > from_s, units.c.end_s <= to_s)
    return [and_(allowed, ran_on), and_(allowed, ended)]


def _page(question: UnitsQuestion, condition: ColumnElement[bool], limit: int) -> Any:
    after = question.after
    later: ColumnElement[bool] = true()
    if after is not None:
        same_end = and_(units.c.end_s == after.end_s, units.c.id < after.number)
        later = or_(units.c.end_s < after.end_s, same_end)
    return (
        select(units)
        .where(condition, later)
        .order_by(units.c.end_s.desc(), units.c.id.desc())
        .limit(limit)
    )


async def _energies(
    connection: AsyncConnection, calendar: Calendar, found: Sequence[Any]
) -> dict[int, Energy]:
    days = {
        day
        for row in found
        for day in range(calendar.day_of(row.started_s), calendar.day_of(row.end_s) + 1)
    }
    chosen = select(unit_days).where(
        unit_days.c.day.in_(days), unit_days.c.unit.in_([row.id for row in found])
    )
    energies: dict[int, Energy] = {}
    for day in (await connection.execute(chosen)).all():
        if day.host_mj is None:
            continue
        before = energies.get(day.unit, _UNMEASURED)
        energies[day.unit] = Energy(
            (before.host_mj or 0) + day.host_mj,
            _plus(before.gpu_mj, day.gpu_mj),
            before.covered_s + day.covered_s,
            max(before.method, Method(day.method)),
        )
    return energies


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)
