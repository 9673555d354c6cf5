"""Tests of answers: exact to the second, on both databases, for any units, window and zone."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwatt_accounting.identity.rights import ClusterScope, Scope
from rackwatt_accounting.model.calendar import Calendar, day_number
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.store import Store
from rackwatt_accounting.usage.answer import UsageRow, answer
from rackwatt_accounting.usage.question import Dimension, Question, Step
from tests.accounting.stores import empty_store
from tests.accounting.truth import BEGIN_S, LENGTH_S, Totals, some_units, used, windows

ALL = Window(BEGIN_S, BEGIN_S + LENGTH_S + 4 * 86400)
SEEN_S = ALL.to_s
WHO = (Dimension.USER, Dimension.ACCOUNT)
EVERYTHING = Scope({"prod": ClusterScope("", everything=True)})
PARIS = Calendar("Europe/Paris")


def scope(user: str, *accounts: str) -> Scope:
    return Scope({"prod": ClusterScope(user, accounts=frozenset(accounts))})


async def ask(store: Store, question: Question) -> list[UsageRow]:
    return [row async for row in answer(store, question)]


def totals(rows: list[UsageRow]) -> dict[tuple[str, ...], Totals]:
    found: dict[tuple[str, ...], Counter[int]] = {}
    for row in rows:
        some = row.used
        values = (some.wall_s, some.cpu_s, some.mem_mib_s, some.gpu_s, some.node_s)
        found.setdefault(row.names, Counter()).update(dict(enumerate(values)))
    return {names: (c[0], c[1], c[2], c[3], c[4]) for names, c in found.items() if c[0]}


@settings(max_examples=40)
@given(
    batch=some_units(),
    window=windows,
    zone=st.sampled_from(("UTC", "Europe/Paris", "Asia/Kathmandu")),
    site=st.sampled_from(("UTC", "Europe/Paris")),
    step=st.sampled_from((None, Step.DAY, Step.MONTH)),
)
async def test_usage_of_any_window_is_what_was_used_within_it(
    batch: list[Unit], window: Window, zone: str, site: str, step: Step | None
) -> None:
    async with empty_store(site) as store:
        await store.write_window("prod", ALL, batch, SEEN_S)
        rows = await ask(store, Question(window, Calendar(zone), EVERYTHING, WHO, step))
        assert totals(rows) == used(batch, window, SEEN_S)


async def test_usage_has_days_of_the_site_with_their_dates(store: Store) -> None:
    from_s = PARIS.window(day_number("2026-10-25")).from_s - 3600
    unit = Unit(
        id="1", started_at_s=from_s, ended_at_s=from_s + 3600 + 25 * 3600 + 60, user="ann", cpus=2
    )
    await store.write_window("prod", Window(from_s, SEEN_S), [unit], SEEN_S)
    question = Question(Window(from_s, SEEN_S), PARIS, EVERYTHING, (Dimension.USER,), Step.DAY)
    assert [
        (row.period, row.used.wall_s, row.used.started, row.used.ended)
        for row in await ask(store, question)
    ] == [
        ("2026-10-24", 3600, 1, 0),
        ("2026-10-25", 25 * 3600, 0, 0),
        ("2026-10-26", 60, 0, 1),
    ]


@pytest.mark.parametrize(
    ("allowed", "seen"),
    [
        (scope("ann"), {("ann", "physics")}),
        (scope("stranger"), set()),
        (scope(""), set()),
        (scope("ann", "chemistry"), {("ann", "physics"), ("bob", "chemistry")}),
        (Scope({"other": ClusterScope("ann", everything=True)}), set()),
        (Scope({}), set()),
        (EVERYTHING, {("ann", "physics"), ("bob", "chemistry")}),
    ],
)
@pytest.mark.parametrize("cut_s", [0, 7])
async def test_usage_has_only_rows_that_the_caller_may_see(
    store: Store, allowed: Scope, seen: set[tuple[str, str]], cut_s: int
) -> None:
    day = PARIS.window(day_number("2026-11-03"))
    people = (("ann", "physics"), ("bob", "chemistry"))
    batch = [
        Unit(
            id=user,
            started_at_s=day.from_s,
            ended_at_s=day.to_s,
            user=user,
            account=account,
            cpus=1,
        )
        for user, account in people
    ]
    await store.write_window("prod", day, batch, day.to_s)
    window = Window(day.from_s + cut_s, day.to_s)
    rows = await ask(store, Question(window, PARIS, allowed, WHO))
    assert {row.names for row in rows} == seen


async def test_usage_is_filtered_by_names_of_a_closed_list(store: Store) -> None:
    day = PARIS.window(day_number("2026-11-03"))
    batch = [
        Unit(id=name, started_at_s=day.from_s, ended_at_s=day.to_s, user=name, account="a", cpus=1)
        for name in ("ann", "bob", "x' OR 1=1 --")
    ]
    await store.write_window("prod", day, batch, day.to_s)
    for name in ("ann", "x' OR 1=1 --", "stranger", "' OR ''='"):
        question = Question(
            day, PARIS, EVERYTHING, (Dimension.USER,), filters={Dimension.USER: [name]}
        )
        expected = [] if name in ("stranger", "' OR ''='") else [(name,)]
        assert [row.names for row in await ask(store, question)] == expected


async def test_usage_survives_the_deletion_of_its_units(store: Store, tmp_path: Path) -> None:
    day = PARIS.window(day_number("2026-11-03"))
    unit = Unit(id="1", started_at_s=day.from_s, ended_at_s=day.to_s, user="ann", cpus=3)
    await store.write_window("prod", day, [unit], day.to_s)
    question = Question(day, PARIS, EVERYTHING, (Dimension.USER,))
    before = await ask(store, question)
    assert await store.delete_units_before(day_number("2026-11-05")) == 1
    assert await ask(store, question) == before
    late = Unit(id="2", started_at_s=day.from_s, ended_at_s=day.to_s, user="ann", cpus=3)
    await store.write_window("prod", day, [late], day.to_s)
    assert await ask(store, question) == before
