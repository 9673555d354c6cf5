"""The dictionary of texts: each has one number for ever.

Few texts make up most of what is written and read: those are kept in memory, up to a bound.
"""

from collections.abc import Collection, Iterable
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.storage.schema import names
from rackwatt_accounting.storage.upsert import insert_into

T = TypeVar("T")

_KEPT = 100_000
# Well below the number of parameters that a statement of SQLite may have (32,766).
_AT_ONCE = 5000


class Names:
    """Texts by number, and numbers by text."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    async def ids(self, connection: AsyncConnection, texts: Iterable[str]) -> dict[str, int]:
        """Return the numbers of texts, of new ones in the transaction that writes."""
        wanted = set(texts)
        missing = [text for text in wanted if text not in self._ids]
        found = {text: self._ids[text] for text in wanted if text in self._ids}
        for part in _parts(missing):
            found.update(await self._insert(connection, part))
        return found

    async def known_ids(
        self, connection: AsyncConnection, texts: Collection[str]
    ) -> dict[str, int]:
        """Return the numbers of those of the texts that have one."""
        found = {text: self._ids[text] for text in texts if text in self._ids}
        for part in _parts([text for text in texts if text not in found]):
            rows = await connection.execute(select(names).where(names.c.text.in_(part)))
            found.update({row.text: row.id for row in rows})
        return found

    async def texts(self, connection: AsyncConnection, ids: Iterable[int]) -> dict[int, str]:
        """Return the texts of numbers."""
        wanted = set(ids)
        found = {number: self._texts[number] for number in wanted if number in self._texts}
        for part in _parts([number for number in wanted if number not in found]):
            rows = (await connection.execute(select(names).where(names.c.id.in_(part)))).all()
            self.remember({row.text: row.id for row in rows})
            found.update({row.id: row.text for row in rows})
        return found

    def remember(self, ids: dict[str, int]) -> None:
        """Keep numbers that are committed: those of a transaction that fails are never kept."""
        if len(self._ids) + len(ids) > _KEPT:
            self._ids.clear()
            self._texts.clear()
        self._ids.update(ids)
        self._texts.update({number: text for text, number in ids.items()})

    async def _insert(self, connection: AsyncConnection, texts: list[str]) -> dict[str, int]:
        known = await self.known_ids(connection, texts)
        rows = [{"text": text} for text in texts if text not in known]
        if rows:
            await connection.execute(insert_into(connection, names).on_conflict_do_nothing(), rows)
            known |= await self.known_ids(connection, [row["text"] for row in rows])
        return known


def _parts(items: list[T]) -> Iterable[list[T]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))
