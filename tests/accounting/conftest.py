"""Stores on both databases: what holds on SQLite holds on PostgreSQL, by the same test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.storage.database import Database, database_url
from rackwatt_accounting.storage.store import Store
from tests.peers.postgresql import PostgreSql, postgresql

ZONE = "Europe/Paris"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSql]:
    with postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/accounting.db"
    server: PostgreSql = request.getfixturevalue("postgresql_server")
    return server.url(server.create_database())


@pytest.fixture
async def store(storage_url: str) -> AsyncIterator[Store]:
    opened = Store(Database(database_url(storage_url)), Calendar(ZONE))
    await opened.open()
    yield opened
    await opened.close()
