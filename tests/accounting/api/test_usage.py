"""Tests of `GET /api/v2/usage`: columns, windows, forms, mistakes, and who sees what."""

import csv
import io
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from rackwatt_accounting.api.app import build_app
from rackwatt_accounting.identity.rights import Rules
from rackwatt_accounting.model.associations import Account, Associations, Membership
from rackwatt_accounting.model.calendar import day_number
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.energy import MeasuredDay
from rackwatt_accounting.storage.store import Store
from tests.accounting.api.callers import NamedCaller

Client = TestClient[web.Request, web.Application]
DAY = day_number("2026-11-10")
COLUMNS = "wall_s,cpu_s,mem_mib_s,gpu_s,node_s,host_j,gpu_j,host_g,gpu_g,coverage"


@pytest.fixture
async def client(store: Store) -> AsyncIterator[Client]:
    day = store.calendar.window(DAY)
    units = [
        Unit(
            id="1",
            started_at_s=day.from_s,
            ended_at_s=day.from_s + 3600,
            user="ann",
            account="physics",
            cpus=2,
            memory_mib=10,
            gpus=1,
            nodes=1,
        ),
        Unit(
            id="2",
            started_at_s=day.to_s - 60,
            ended_at_s=day.to_s + 60,
            user="bob",
            account="optics",
            cpus=1,
            nodes=1,
        ),
        Unit(
            id="3",
            started_at_s=day.from_s,
            ended_at_s=day.from_s + 10,
            user="=cmd()",
            account="chemistry",
            cpus=1,
            nodes=1,
        ),
    ]
    await store.write_window("prod", Window(day.from_s, day.to_s + 60), units, day.to_s + 60)
    measured = [
        MeasuredDay(one.unit, 5_000, 2_500, 3600, 1)
        for one in await store.units_of_day("prod", DAY, 0)
        if one.job == "1"
    ]
    await store.write_energy("prod", DAY, day.to_s, measured)
    tree = (Account("physics", "root"), Account("optics", "physics"), Account("chemistry", "root"))
    members = (Membership("ann", "physics", True), Membership("bob", "optics"))
    await store.write_associations("prod", Associations(tree, members))
    rules = {"prod": Rules(admins=frozenset({"root"}))}
    app = build_app(store, rules, (NamedCaller(),), lambda: b"")
    async with TestClient(TestServer(app)) as opened:
        yield opened


def window(store: Store, cut_s: int = 0) -> str:
    day = store.calendar.window(DAY)
    return f"from={day.from_s + cut_s}&to={day.to_s + 3600}"


async def table(client: Client, query: str, user: str) -> list[dict[str, str]]:
    response = await client.get(
        f"/api/v2/usage?{query}", headers={"Accept": "text/csv", "X-User": user}
    )
    assert response.status == 200, await response.text()
    assert response.content_type == "text/csv"
    return list(csv.DictReader(io.StringIO(await response.text())))


async def test_usage_has_the_columns_that_scripts_hang_on(client: Client, store: Store) -> None:
    query = f"{window(store)}&aggregate=user,account&step=day&timezone=UTC"
    response = await client.get(
        f"/api/v2/usage?{query}", headers={"Accept": "text/csv", "X-User": "root"}
    )
    assert (await response.text()).splitlines()[0] == f"user,account,day,{COLUMNS}"


async def test_usage_is_what_was_used_within_the_window(client: Client, store: Store) -> None:
    rows = await table(client, f"{window(store, 1800)}&aggregate=user", "root")
    assert [
        (row["user"], row["wall_s"], row["cpu_s"], row["host_j"], row["gpu_j"], row["coverage"])
        for row in rows
    ] == [
        ("ann", "1800", "3600", "2.5", "1.25", "1.0"),
        ("bob", "120", "120", "", "0.0", "0.0"),
    ]


@pytest.mark.parametrize(
    ("user", "seen"),
    [
        ("ann", ["ann", "bob"]),
        ("bob", ["bob"]),
        ("stranger", []),
        ("root", ["'=cmd()", "ann", "bob"]),
    ],
)
async def test_usage_shows_each_caller_what_they_may_see(
    client: Client, store: Store, user: str, seen: list[str]
) -> None:
    rows = await table(client, f"{window(store)}&aggregate=user", user)
    assert [row["user"] for row in rows] == seen


async def test_rights_that_were_taken_away_are_gone_at_once(client: Client, store: Store) -> None:
    assert len(await table(client, f"{window(store)}&aggregate=user", "ann")) == 2
    await store.write_associations(
        "prod", Associations((Account("physics"),), (Membership("ann", "physics"),))
    )
    assert len(await table(client, f"{window(store)}&aggregate=user", "ann")) == 1


async def test_usage_is_one_array_for_grafana_and_lines_for_scripts(
    client: Client, store: Store
) -> None:
    url = f"/api/v2/usage?{window(store)}&aggregate=user&step=month"
    headers = {"X-User": "ann"}
    array = await (await client.get(url, headers=headers)).json()
    assert [(row["user"], row["month"], row["wall_s"]) for row in array] == [
        ("ann", "2026-11", 3600),
        ("bob", "2026-11", 120),
    ]
    lines = await client.get(url, headers=headers | {"Accept": "application/x-ndjson"})
    assert (await lines.text()).count("\n") == 2
    refused = await client.get(url, headers=headers | {"Accept": "application/pdf"})
    assert refused.status == 406


async def test_mistakes_of_a_request_are_all_named_and_nothing_is_selected(
    client: Client,
) -> None:
    query = "from=9&to=3&aggregate=user;drop,user&step=hour&timezone=Mars/X&filter=name:x&groupby=user&limit=-1"
    response = await client.get(f"/api/v2/usage?{query}", headers={"X-User": "root"})
    assert response.status == 400
    assert response.content_type == "application/problem+json"
    problems = (await response.json())["parameters"]
    assert set(problems) == {"from", "aggregate", "step", "timezone", "filter", "groupby", "limit"}
    assert problems["step"] == "'hour' is none of day, month"


async def test_no_request_is_answered_without_a_name(client: Client) -> None:
    response = await client.get("/api/v2/usage")
    assert (response.status, response.content_type) == (401, "application/problem+json")
    assert (await client.get("/nothing")).status == 401
    assert (await client.get("/healthz")).status == 200
