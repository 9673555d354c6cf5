"""The engine of the database: SQLite or PostgreSQL, one writer and several readers.

SQLite has one writer at a time. So there is one connection that writes, behind a lock of ours,
and its transactions begin as IMMEDIATE ones: none of them finds at its end that another one wrote.
Readers see the state before it, and never wait. With PostgreSQL it is the same code.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_READERS = 4
# KiB of pages that each connection keeps; the file itself is in the kernel's cache.
_CACHE_KIB = 16 * 1024
_BUSY_TIMEOUT_MS = 30_000


class StorageError(Exception):
    """The database cannot be used; the message says what to change."""


def database_url(text: str) -> URL:
    """Parse `sqlite:////path/file.db` or `postgresql://user@host/database`.

    Raises:
        StorageError: it is neither; the text itself is not repeated, it may have a password.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise StorageError("no URL, such as sqlite:////var/lib/rackwatt/accounting.db") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise StorageError(f"{url.drivername!r} is no database of ours: sqlite or postgresql")
    if driver.startswith("sqlite") and not url.database:
        raise StorageError("sqlite needs a file, such as sqlite:////var/lib/rackwatt/accounting.db")
    return url.set(drivername=driver)


class Database:
    """An open database."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._lock = asyncio.Lock()
        self._writer = self._engine(1, "BEGIN IMMEDIATE")
        self._reader = self._engine(_READERS, "BEGIN")

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give the one transaction that writes; it is committed unless an exception leaves it."""
        async with self._lock, self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that reads one state of everything."""
        async with self._reader.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self._writer.dispose()
        await self._reader.dispose()

    def _engine(self, size: int, begin: str) -> AsyncEngine:
        engine = create_async_engine(self.url, pool_size=size, max_overflow=0, pool_timeout=60)
        if self.is_sqlite:
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(
                engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin)
            )
        return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set what each connection of SQLite needs; its driver must begin no transaction by itself."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        f"cache_size=-{_CACHE_KIB}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
