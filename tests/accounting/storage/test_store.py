"""Tests of the store: the same records come out, whatever way they came in."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from rackwatt_accounting.model.associations import Account, Associations, Membership
from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.database import Database, StorageError, database_url
from rackwatt_accounting.storage.schema import memberships, sums
from rackwatt_accounting.storage.store import Store
from tests.accounting.stores import empty_store
from tests.accounting.truth import BEGIN_S, LENGTH_S, some_units

ALL = Window(BEGIN_S, BEGIN_S + LENGTH_S + 4 * 86400)


async def sums_of(store: Store) -> list[tuple[object, ...]]:
    """Return all sums, by names."""
    async with store.database.reading() as connection:
        rows = (await connection.execute(select(sums))).all()
        texts = await store.names.texts(connection, {number for row in rows for number in row[1:5]})
    return sorted((row[0], *(texts[number] for number in row[1:5]), *row[5:]) for row in rows)


async def written(
    deliveries: Sequence[Sequence[Unit]], seen: Sequence[int]
) -> list[tuple[object, ...]]:
    async with empty_store("Europe/Paris") as store:
        for batch, seen_s in zip(deliveries, seen, strict=True):
            await store.write_window("prod", ALL, batch, seen_s)
        return await sums_of(store)


@settings(max_examples=40)
@given(some_units(), st.randoms(use_true_random=False))
async def test_store_has_the_same_sums_twice_late_and_in_any_order(
    batch: list[Unit], random: object
) -> None:
    once = await written([batch], [ALL.to_s])
    shuffled = list(batch)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    middle = len(batch) // 2
    assert (
        await written([shuffled[middle:], shuffled, shuffled[:middle], []], [ALL.to_s] * 4) == once
    )


@settings(max_examples=40)
@given(some_units(), st.lists(st.integers(0, LENGTH_S), min_size=1, max_size=4))
async def test_store_forgets_that_units_ran_once_they_have_ended(
    batch: list[Unit], moments: list[int]
) -> None:
    """Each update sees what runs at its moment; also one with a slow clock, or a late one."""
    once = await written([batch], [ALL.to_s])
    seen = [BEGIN_S + moment for moment in moments]
    partly = [
        [_as_seen(unit, seen_s) for unit in batch if unit.started_at_s <= seen_s] for seen_s in seen
    ]
    assert await written([*partly, batch], [*seen, ALL.to_s]) == once
    assert await written([*partly, batch, *partly], [*seen, ALL.to_s, *seen]) == once


def _as_seen(unit: Unit, seen_s: int) -> Unit:
    assert unit.ended_at_s is not None
    if unit.ended_at_s <= seen_s:
        return unit
    return msgspec.structs.replace(unit, ended_at_s=None, suspended_s=0, state="running")


async def test_store_keeps_apart_clusters_restarts_and_ids_that_are_used_again(
    store: Store,
) -> None:
    day_s = 1_793_000_000
    runs = [
        Unit(id="7", started_at_s=day_s, ended_at_s=day_s + 60, user="ann", cpus=1),
        Unit(id="7", started_at_s=day_s, ended_at_s=day_s + 60, restart=1, user="ann", cpus=1),
        Unit(id="7", started_at_s=day_s + 500, ended_at_s=day_s + 560, user="ann", cpus=1),
    ]
    for cluster in ("one", "two"):
        await store.write_window(cluster, Window(day_s, day_s + 900), runs, day_s + 900)
    found = {row[1]: row for row in await sums_of(store)}
    assert {cluster: row[5:8] for cluster, row in found.items()} == {
        "one": (3, 3, 180),
        "two": (3, 3, 180),
    }


async def test_store_moves_a_cursor_only_forward(store: Store) -> None:
    assert await store.cursor("prod") is None
    await store.write_window("prod", Window(0, 5000), [], 5000)
    await store.write_window("prod", Window(0, 3000), [], 5000)
    assert await store.cursor("prod") == 5000
    assert await store.cursor("other") is None


async def test_store_loses_units_that_their_scheduler_no_longer_knows(store: Store) -> None:
    runs = Unit(id="7", started_at_s=1000, user="ann", cpus=1, state="running")
    await store.write_window("prod", Window(0, 2000), [runs], 2000)
    assert await store.unseen("prod", 2000, 10) == []
    assert await store.unseen("prod", 3000, 10) == [("7", 1000)]
    await store.write_found("prod", [], [("7", 1000)], 3000)
    assert await store.unseen("prod", 3000, 10) == []
    assert [row[6:8] for row in await sums_of(store)] == [(0, 1000)]
    await store.write_window("prod", Window(0, 4000), [runs], 4000)
    assert [row[7] for row in await sums_of(store)] == [3000]


async def test_store_replaces_associations(store: Store) -> None:
    physics = Account("physics", "root")
    first = Associations((physics,), (Membership("ann", "physics"), Membership("bob", "physics")))
    await store.write_associations("prod", first)
    second = Associations(
        (physics,), (Membership("bob", "physics", True), Membership("bob", "physics"))
    )
    await store.write_associations("prod", second)
    async with store.database.reading() as connection:
        rows = (await connection.execute(select(memberships))).all()
        texts = await store.names.texts(connection, {row.user for row in rows})
    assert [(texts[row.user], row.coordinator) for row in rows] == [("bob", 1)]


async def test_store_says_when_its_days_are_those_of_another_zone(
    store: Store, storage_url: str
) -> None:
    other = Store(Database(database_url(storage_url)), Calendar("UTC"))
    with pytest.raises(
        StorageError, match="the days of this database are those of Europe/Paris, not of UTC"
    ):
        await other.open()
    await other.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accounting.db", "no URL"),
        ("mysql://user:secret@host/db", "'mysql' is no database of ours"),
        ("sqlite://", "sqlite needs a file"),
    ],
)
def test_database_url_says_what_it_takes_and_repeats_no_password(text: str, message: str) -> None:
    with pytest.raises(StorageError, match=message) as raised:
        database_url(text)
    assert "secret" not in str(raised.value)
