"""A store of its own for each example of a property, in a file that nothing is synchronised to."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.storage.database import Database, database_url
from rackwatt_accounting.storage.store import Store


@asynccontextmanager
async def empty_store(zone: str) -> AsyncIterator[Store]:
    """Open a store with nothing in it, and remove it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Database(database_url(f"sqlite:///{folder}/accounting.db")), Calendar(zone))
        try:
            await store.open()
            yield store
        finally:
            await store.close()
