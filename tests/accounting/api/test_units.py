"""Tests of `GET /api/v2/units`: pages, order, energy, and who sees what."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from rackwatt_accounting.api.app import build_app
from rackwatt_accounting.identity.rights import Rules
from rackwatt_accounting.model.calendar import day_number
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.energy import MeasuredDay
from rackwatt_accounting.storage.store import Store
from tests.accounting.api.callers import NamedCaller

Client = TestClient[web.Request, web.Application]
DAY = day_number("2026-11-10")


@pytest.fixture
async def client(store: Store) -> AsyncIterator[Client]:
    begin_s = store.calendar.window(DAY).from_s
    units = [
        Unit(
            id=str(number),
            started_at_s=begin_s,
            ended_at_s=begin_s + 100 * (number // 2 + 1),
            user=("ann", "bob")[number % 2],
            account="a",
            state="completed",
        )
        for number in range(25)
    ]
    units.append(
        Unit(id="night", started_at_s=begin_s - 600, user="ann", account="a", state="running")
    )
    await store.write_window(
        "prod", Window(begin_s - 600, begin_s + 90_000), units, begin_s + 90_000
    )
    app = build_app(
        store, {"prod": Rules(admins=frozenset({"root"}))}, (NamedCaller(),), lambda: b""
    )
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def pages(client: Client, query: str, user: str) -> list[list[dict[str, Any]]]:
    found, url = [], f"/api/v2/units?{query}"
    while url:
        response = await client.get(url, headers={"X-User": user})
        assert response.status == 200, await response.text()
        found.append(await response.json())
        linked = response.links.get("next")
        url = linked["url"].path_qs if linked is not None else ""  # type: ignore[union-attr]
    return found


async def test_units_come_a_page_at_a_time_the_newest_first(client: Client, store: Store) -> None:
    begin_s = store.calendar.window(DAY).from_s
    query = f"from={begin_s}&to={begin_s + 1200}&limit=7"
    found = await pages(client, query, "root")
    rows = [row for page in found for row in page]
    assert [len(page) for page in found] == [7, 7, 7, 5]
    assert len({row["id"] for row in rows}) == 26
    assert rows[0]["id"] == "night"
    ends = [row["ended_s"] or 2**40 for row in rows]
    assert ends == sorted(ends, reverse=True)


async def test_units_of_a_window_are_those_that_used_something_within_it(
    client: Client, store: Store
) -> None:
    begin_s = store.calendar.window(DAY).from_s
    (page,) = await pages(client, f"from={begin_s + 1200}&to={begin_s + 2000}", "root")
    assert {row["id"] for row in page} == {"night", "24"}
    (page,) = await pages(client, f"from={begin_s - 300}&to={begin_s}", "root")
    assert {row["id"] for row in page} == {"night"}
    assert await pages(client, f"from={begin_s}&to={begin_s}", "root") == [[]]


async def test_units_are_those_of_the_caller_and_an_id_of_another_is_as_none(
    client: Client, store: Store
) -> None:
    begin_s = store.calendar.window(DAY).from_s
    (page,) = await pages(client, f"from={begin_s}&to={begin_s + 9000}", "bob")
    assert {row["user"] for row in page} == {"bob"}
    for wanted in ("0", "no such job"):
        assert await pages(client, f"id={wanted}", "bob") == [[]]
    assert [row["id"] for row in (await pages(client, "id=1&id=3&id=0", "bob"))[0]] == ["3", "1"]


async def test_a_unit_has_its_energy_how_it_is_known_and_of_how_much(
    client: Client, store: Store
) -> None:
    for day, host_mj in ((DAY - 1, 1_000), (DAY, 2_000)):
        found = [one for one in await store.units_of_day("prod", day, 0) if one.job == "night"]
        await store.write_energy(
            "prod", day, 0, [MeasuredDay(one.unit, host_mj, None, one.wall_s, 1) for one in found]
        )
    ((row,),) = await pages(client, "id=night", "ann")
    assert [row[name] for name in ("host_j", "gpu_j", "method")] == [3.0, None, "counters"]
    assert row["ended_s"] is None
    assert row["coverage"] == pytest.approx((600 + 86400) / (600 + 90000), abs=0.001)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "cursor=!!",
        "cursor=AAAA",
        "order=name",
        "&".join(["id=1"] + [f"id={n}" for n in range(1001)]),
    ],
)
async def test_mistakes_are_named(client: Client, query: str) -> None:
    response = await client.get(f"/api/v2/units?{query}", headers={"X-User": "root"})
    assert response.status == 400
    assert list((await response.json())["parameters"]) == [query.partition("=")[0]]
