"""The store: everything that one process writes and reads, over one database and one calendar."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.model.associations import Account, Associations, Membership
from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.associations import (
    accounts_of,
    members,
    replace_associations,
    texts_in,
)
from rackwatt_accounting.storage.cursors import advance, cursor, fill_gaps
from rackwatt_accounting.storage.database import Database, StorageError
from rackwatt_accounting.storage.energy import MeasuredDay, UnitDay, days_since, write_energy
from rackwatt_accounting.storage.names import Names
from rackwatt_accounting.storage.schema import METADATA, settings
from rackwatt_accounting.storage.sums import derive_sums, keep_sums_before
from rackwatt_accounting.storage.units import (
    UnitWriter,
    delete_ended_before,
    lose,
    texts_of,
    unseen,
)
from rackwatt_accounting.storage.upsert import insert_into

UNITS, ENERGY = "units", "energy"
_ZONE = "zone"


class Store:
    """Units, sums, cursors and associations of all clusters."""

    def __init__(self, database: Database, calendar: Calendar) -> None:
        self.database = database
        self.calendar = calendar
        self.names = Names()

    async def open(self) -> None:
        """Create what is missing.

        Raises:
            StorageError: the days of the database are those of another time zone.
        """
        async with self.database.writing() as connection:
            await connection.run_sync(METADATA.create_all)
            statement = insert_into(connection, settings).on_conflict_do_nothing()
            await connection.execute(statement.values(key=_ZONE, value=self.calendar.zone))
            chosen = select(settings.c.value).where(settings.c.key == _ZONE)
            zone = (await connection.execute(chosen)).scalar_one()
        if zone != self.calendar.zone:
            raise StorageError(
                f"the days of this database are those of {zone}, not of {self.calendar.zone}: "
                "set `timezone` to it, or run `rackwatt-accounting migrate`"
            )

    async def close(self) -> None:
        """Close the database."""
        await self.database.close()

    async def cursor(self, cluster: str, subject: str = UNITS) -> int | None:
        """Return until when a subject of a cluster was read; None before its first reading."""
        async with self.database.reading() as connection:
            ids = await self.names.known_ids(connection, [cluster])
            return await cursor(connection, ids[cluster], subject) if ids else None

    async def write_window(
        self, cluster: str, window: Window, batch: Sequence[Unit], seen_s: int
    ) -> None:
        """Write all units of a window that was read at `seen_s`, in one transaction.

        Their sums are derived, the cursor is moved, and gaps within the window are filled.
        """
        async with self.database.writing() as connection:
            ids = await self.names.ids(connection, {cluster, *texts_of(batch)})
            await self._write(connection, ids[cluster], batch, ids, seen_s)
            await advance(connection, ids[cluster], UNITS, window.to_s)
            await fill_gaps(connection, ids[cluster], UNITS, window)
        self.names.remember(ids)

    async def write_found(
        self,
        cluster: str,
        batch: Sequence[Unit],
        missed: Sequence[tuple[str, int]],
        seen_s: int,
    ) -> None:
        """Write units that were read by id; those that the scheduler does not know are lost."""
        async with self.database.writing() as connection:
            ids = await self.names.ids(connection, {cluster, *texts_of(batch)})
            await self._write(connection, ids[cluster], batch, ids, seen_s)
            found = {(unit.id, unit.started_at_s) for unit in batch}
            lost = [unit for unit in missed if unit not in found]
            if lost:
                await lose(connection, ids[cluster], lost)
        self.names.remember(ids)

    async def unseen(self, cluster: str, seen_s: int, limit: int) -> list[tuple[str, int]]:
        """Return id and start of units that are believed to run and were not seen at `seen_s`."""
        async with self.database.reading() as connection:
            ids = await self.names.known_ids(connection, [cluster])
            return await unseen(connection, ids[cluster], seen_s, limit) if ids else []

    async def units_of_day(self, cluster: str, day: int, since_s: int) -> list[UnitDay]:
        """Return the units of a day that ran since a moment, and all whose id was used again."""
        async with self.database.reading() as connection:
            ids = await self.names.known_ids(connection, [cluster])
            return await days_since(connection, ids[cluster], day, since_s) if ids else []

    async def write_energy(
        self, cluster: str, day: int, until_s: int, measured: Sequence[MeasuredDay]
    ) -> None:
        """Write the energy of units on a day, derive its sums, and move the cursor."""
        async with self.database.writing() as connection:
            ids = await self.names.ids(connection, [cluster])
            await write_energy(connection, day, measured)
            await derive_sums(connection, ids[cluster], [day] if measured else [], self.calendar)
            await advance(connection, ids[cluster], ENERGY, until_s)
        self.names.remember(ids)

    async def write_associations(self, cluster: str, associations: Associations) -> None:
        """Replace accounts and memberships of a cluster."""
        async with self.database.writing() as connection:
            ids = await self.names.ids(connection, {cluster, *texts_in(associations)})
            await replace_associations(connection, ids[cluster], associations, ids)
        self.names.remember(ids)

    async def associations(self, user: str) -> dict[str, Associations]:
        """Return, by cluster, the memberships of a user, and the accounts of these clusters."""
        async with self.database.reading() as connection:
            ids = await self.names.known_ids(connection, [user])
            if user not in ids:
                return {}
            mine = await members(connection, ids[user])
            tree = await accounts_of(connection, {row.cluster for row in mine})
            numbers = {number for row in mine for number in row.numbers}
            numbers |= {number for row in tree for number in row.numbers}
            texts = await self.names.texts(connection, numbers)
        found: dict[str, Associations] = {}
        for cluster in {row.cluster for row in mine}:
            found[texts[cluster]] = Associations(
                tuple(
                    Account(texts[row.account], texts[row.parent])
                    for row in tree
                    if row.cluster == cluster
                ),
                tuple(
                    Membership(user, texts[row.account], row.is_coordinator)
                    for row in mine
                    if row.cluster == cluster
                ),
            )
        return found

    async def delete_units_before(self, day: int) -> int:
        """Delete units that ended before a day and keep their sums; return how many."""
        deleted = 0
        while True:
            async with self.database.writing() as connection:
                await keep_sums_before(connection, day)
                from_s = self.calendar.window(day).from_s
                some = await delete_ended_before(connection, day, from_s)
            deleted += some
            if not some:
                return deleted

    async def _write(
        self,
        connection: AsyncConnection,
        cluster: int,
        batch: Sequence[Unit],
        ids: dict[str, int],
        seen_s: int,
    ) -> None:
        writer = UnitWriter(connection, cluster, self.calendar, seen_s)
        await writer.write(batch, ids)
        await derive_sums(connection, cluster, writer.touched, self.calendar)
