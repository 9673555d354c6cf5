"""Writing units: what a source reports replaces what was known of the same runs.

A record of a run that ended is never replaced by one of its running: so windows may be written
twice, late and in any order, and the same records come out. The days of each run are written with
it, and the days that changed are known, so that their sums can be derived again.

Suspended seconds are not used ones, and a scheduler says how many there were, not when. They are
taken from the first seconds of a unit: so what it used is one window, and its days add up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from sqlalchemy import ColumnElement, bindparam, delete, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.model.phase import Phase
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.schema import unit_days, units
from rackwatt_accounting.storage.upsert import Upsert, execute_rows, insert_into, replace_in

TEXTS = (
    "state", "exit_code", "user", "group", "account", "partition", "qos", "tres", "work_directory",
)  # fmt: skip
_COLUMNS = (
    "cluster", "job", "started_s", "restart", "end_s", "phase", "display", "name", *TEXTS,
    "submitted_s", "suspended_s", "uid", "cpus", "nodes", "gpus", "memory_mib", "billing",
    "node_list", "cpu_used_ms", "memory_used_mib", "scheduler_joules",
)  # fmt: skip
_DAY_COLUMNS = ("day", "unit", "wall_s", "covered_s", "method")
_KEY = (units.c.job, units.c.cluster, units.c.started_s, units.c.restart)
_HAS_ENDED: ColumnElement[int] = literal_column(str(Phase.ENDED.value))
_AT_ONCE = 5000

Key = tuple[str, int, int]
_texts = attrgetter(*TEXTS)


def texts_of(batch: Iterable[Unit]) -> set[str]:
    """Return all texts of units that the dictionary has."""
    return {text for unit in batch for text in _texts(unit)}


class UnitWriter:
    """Writes units of one cluster in one transaction; `touched` are the days that changed.

    Units that run were seen running at `seen_s`.
    """

    def __init__(
        self, connection: AsyncConnection, cluster: int, calendar: Calendar, seen_s: int
    ) -> None:
        self.touched: set[int] = set()
        self._connection = connection
        self._cluster = cluster
        self._calendar = calendar
        self._seen_s = seen_s

    async def write(self, batch: Sequence[Unit], ids: Mapping[str, int]) -> None:
        """Insert or replace units; of two records of one run, the one that has ended counts."""
        distinct = {unit.key: unit for unit in sorted(batch, key=lambda unit: not unit.is_running)}
        await self._shorten(distinct)
        for some in _parts(list(distinct.values())):
            await self._upsert([self._row(unit, ids) for unit in some])
            numbers = await self._numbers(some)
            days = [
                day for unit in some if unit.key in numbers
                for day in self._days(numbers[unit.key], unit)
            ]  # fmt: skip
            await execute_rows(self._connection, self._replace_days(), _DAY_COLUMNS, days)

    def _end_s(self, unit: Unit) -> int:
        ended_s = unit.ended_at_s
        return max(unit.started_at_s, self._seen_s if ended_s is None else ended_s)

    def _row(self, unit: Unit, ids: Mapping[str, int]) -> tuple[object, ...]:
        return (
            self._cluster, unit.id, unit.started_at_s, unit.restart, self._end_s(unit),
            int(unit.is_running), unit.display_id or None, unit.name,
            *[ids[text] for text in _texts(unit)],
            unit.submitted_at_s, unit.suspended_s, unit.uid, unit.cpus, unit.nodes, unit.gpus,
            unit.memory_mib, unit.billing, unit.node_list or None, unit.cpu_used_ms,
            unit.memory_used_mib, unit.scheduler_joules,
        )  # fmt: skip

    async def _upsert(self, rows: list[tuple[object, ...]]) -> None:
        statement = insert_into(self._connection, units)
        new = statement.excluded
        replacing = statement.on_conflict_do_update(
            index_elements=list(_KEY),
            set_={name: new[name] for name in _COLUMNS},
            where=(units.c.phase != _HAS_ENDED) | (new.phase == _HAS_ENDED),
        )
        await execute_rows(self._connection, replacing, _COLUMNS, rows)

    async def _numbers(self, some: Sequence[Unit]) -> dict[Key, int]:
        """Return the numbers of units, of those alone that have the end that was written."""
        ends = {unit.key: self._end_s(unit) for unit in some}
        rows = await self._connection.execute(
            select(units.c.id, units.c.job, units.c.started_s, units.c.restart, units.c.end_s)
            .where(units.c.cluster == self._cluster)
            .where(units.c.job.in_({unit.id for unit in some}))
        )
        return {
            (row[1], row[2], row[3]): row[0]
            for row in rows if ends.get((row[1], row[2], row[3])) == row[4]
        }  # fmt: skip

    async def _shorten(self, written: Mapping[Key, Unit]) -> None:
        """Delete days after the end of units that were seen running later, by a slow clock."""
        known = await self._connection.execute(
            select(units.c.id, units.c.job, units.c.started_s, units.c.restart, units.c.end_s)
            .where(units.c.cluster == self._cluster, units.c.phase != Phase.ENDED.value)
        )  # fmt: skip
        for number, *key, seen_s in known:
            unit = written.get((key[0], key[1], key[2]))
            if unit is None or self._end_s(unit) >= seen_s:
                continue
            ended = self._calendar.day_of(self._end_s(unit))
            late = set(range(ended + 1, self._calendar.day_of(seen_s) + 1))
            self.touched |= late
            await self._connection.execute(
                delete(unit_days).where(unit_days.c.day.in_(late), unit_days.c.unit == number)
            )

    def _days(self, number: int, unit: Unit) -> Iterator[tuple[object, ...]]:
        used = Window(unit.started_at_s + unit.suspended_s, self._end_s(unit))
        first, began = map(self._calendar.day_of, (unit.started_at_s, used.from_s))
        # A day of suspension was one of running before the scheduler said so.
        walls = dict.fromkeys(range(first, began + 1), 0)
        walls.update((day, part.seconds) for day, part in self._calendar.days(used))
        self.touched.update(walls)
        for day, wall_s in walls.items():
            yield day, number, wall_s, 0, 0

    def _replace_days(self) -> Upsert:
        return replace_in(self._connection, unit_days, ["wall_s"])


def _parts(batch: list[Unit]) -> Iterable[list[Unit]]:
    return (batch[start : start + _AT_ONCE] for start in range(0, len(batch), _AT_ONCE))


async def unseen(
    connection: AsyncConnection, cluster: int, seen_s: int, limit: int
) -> list[tuple[str, int]]:
    """Return id and start of units that are believed to run and were not seen at `seen_s`."""
    rows = await connection.execute(
        select(units.c.job, units.c.started_s)
        .where(
            units.c.cluster == cluster,
            units.c.phase == Phase.RUNNING.value,
            units.c.end_s < seen_s,
        )
        .order_by(units.c.end_s)
        .limit(limit)
    )
    return [(row.job, row.started_s) for row in rows]


async def lose(connection: AsyncConnection, cluster: int, lost: Sequence[tuple[str, int]]) -> None:
    """Mark units that their scheduler no longer knows: they end when they were last seen."""
    statement = (
        update(units)
        .where(
            units.c.cluster == cluster,
            units.c.job == bindparam("lost_job"),
            units.c.started_s == bindparam("lost_started_s"),
            units.c.phase == Phase.RUNNING.value,
        )
        .values(phase=Phase.LOST.value)
    )
    rows = [{"lost_job": job, "lost_started_s": started_s} for job, started_s in lost]
    await connection.execute(statement, rows)


async def delete_ended_before(connection: AsyncConnection, day: int, time_s: int) -> int:
    """Delete some units that ended before a day, which begins at `time_s`; return how many.

    Their sums are kept: see sums.py.
    """
    old = (
        select(unit_days.c.unit)
        .join_from(unit_days, units, unit_days.c.unit == units.c.id)
        .where(unit_days.c.day < day, units.c.phase != Phase.RUNNING.value, units.c.end_s <= time_s)
        .limit(_AT_ONCE)
    )
    numbers = {row.unit for row in await connection.execute(old)}
    if numbers:
        await connection.execute(
            delete(unit_days).where(unit_days.c.day < day, unit_days.c.unit.in_(numbers))
        )
        await connection.execute(delete(units).where(units.c.id.in_(numbers)))
    return len(numbers)
