"""Tests of energy: the counters of ledgers in a real Prometheus, against the joules of each unit."""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping

import msgspec
import pytest

from rackwatt_accounting.energy.attribution import Method
from rackwatt_accounting.energy.counters import CounterReader
from rackwatt_accounting.identity.rights import ClusterScope, Scope
from rackwatt_accounting.model.calendar import day_number
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.store import Store
from rackwatt_accounting.updating.energy import EnergyUpdates
from rackwatt_accounting.usage.answer import answer
from rackwatt_accounting.usage.question import Dimension, Question, Step
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.protocols.http.prometheus import PrometheusApi
from rackwatt_exporter.protocols.http.tls import TlsParameters
from tests.accounting.stores import empty_store
from tests.peers.prometheus import prometheus

PARIS_DAY = day_number("2026-11-10")
STEP_S = 30
EVERYTHING = Scope({"prod": ClusterScope("", everything=True)})
KEPT_S = 120
POWER = {"long": 400, "night": 250, "short": 100, "twice": 300, "wide": 50, "unmeasured": 700}


def _midnight() -> int:
    from rackwatt_accounting.model.calendar import Calendar

    return Calendar("Europe/Paris").window(PARIS_DAY).from_s


MIDNIGHT_S = _midnight()


def unit(name: str, start_s: int, end_s: int, **fields: object) -> Unit:
    return Unit(
        id=name, user=name, started_at_s=MIDNIGHT_S + start_s, ended_at_s=MIDNIGHT_S + end_s,
        cpus=1, state="completed", **{"nodes": 1, **fields},  # type: ignore[arg-type]
    )  # fmt: skip


UNITS = (
    unit("long", -7200, 3 * 3600),  # over midnight
    unit("night", -1800, -20),  # its last value comes after midnight
    unit("short", 3610, 3672),  # shorter than a window
    unit("twice", 600, 1500),
    unit("twice", 1580, 4000, restart=1),  # requeued, with one id
    unit("wide", 100, 7301, nodes=2),
    unit("unmeasured", 200, 1200, scheduler_joules=123_000),
)


def samples() -> Iterator[str]:
    """Yield OpenMetrics: counters as ledgers have them, which keep the last value for two minutes."""
    yield "# TYPE rackwatt_unit_energy_joules counter"
    series: dict[tuple[str, str], list[Unit]] = {}
    for one in UNITS:
        for node in range(one.nodes):
            series.setdefault((one.id, f"n{node}"), []).append(one)
    for (name, at), runs in series.items():
        if name == "unmeasured":
            continue
        first = min(run.started_at_s for run in runs)
        last = max(run.ended_at_s or 0 for run in runs) + KEPT_S
        for time_s in range(first - first % STEP_S + STEP_S + 7, last, STEP_S):
            joules = sum(
                POWER[name] * max(0, min(time_s, run.ended_at_s or 0) - run.started_at_s)
                for run in runs
            )
            labels = f'node="{at}",manager="slurm",unit="{name}",job="rackwatt"'
            yield f"rackwatt_unit_energy_joules_total{{{labels}}} {joules} {time_s}"
    yield "# EOF"


@pytest.fixture(scope="module")
def prometheus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    text = folder / "samples.om"
    text.write_text("\n".join(samples()) + "\n")
    home = folder / "home"
    with prometheus(home, {"scrape_configs": []}, blocks=text) as running:
        yield running.url


@pytest.fixture
async def reader(prometheus_url: str) -> AsyncIterator[CounterReader]:
    api = PrometheusApi(HttpClient(prometheus_url, TlsParameters, 30.0), dict)
    yield CounterReader(api, "slurm")
    await api.close()


async def joules(store: Store, window: Window) -> Mapping[tuple[str, str], int]:
    question = Question(window, store.calendar, EVERYTHING, (Dimension.USER,), Step.DAY)
    return {(row.names[0], row.period): row.used.host_mj async for row in answer(store, question)}


def expected(name: str, day: int) -> int:
    from rackwatt_accounting.model.calendar import Calendar

    window = Calendar("Europe/Paris").window(day)
    held = [
        window.overlap(Window(run.started_at_s, run.ended_at_s or 0)).seconds * run.nodes
        for run in UNITS
        if run.id == name
    ]
    return POWER[name] * sum(held) * 1000


WHOLE = Window(MIDNIGHT_S - 86400, MIDNIGHT_S + 86400)


@pytest.mark.parametrize("interval_s", [900, 3600])
async def test_energy_of_units_is_that_of_their_counters_whatever_the_interval(
    reader: CounterReader, interval_s: int
) -> None:
    async with empty_store("Europe/Paris") as store:
        now_s = float(MIDNIGHT_S - 3 * 3600)
        updates = EnergyUpdates(store, "prod", reader, clock=lambda: now_s)
        while now_s < MIDNIGHT_S + 10 * 3600:
            now_s += interval_s
            window = Window(int(now_s) - interval_s - 3600, int(now_s))
            await store.write_window("prod", window, _as_seen(int(now_s)), int(now_s))
            await updates.update()
        found = await joules(store, WHOLE)
        days = {"2026-11-09": PARIS_DAY - 1, "2026-11-10": PARIS_DAY}
        for name, (date, day) in itertools.product(POWER, days.items()):
            if name == "unmeasured":
                continue
            # A sample is up to a step older than midnight: what lies between is of the next day.
            assert found.get((name, date), 0) == pytest.approx(
                expected(name, day), abs=POWER[name] * STEP_S * 1000
            )
            total = sum(found.get((name, date), 0) for date in days)
            assert total == sum(expected(name, day) for day in days.values())
        assert found["unmeasured", "2026-11-10"] == 123_000_000


def _as_seen(now_s: int) -> list[Unit]:
    return [
        one if (one.ended_at_s or 0) <= now_s else msgspec.structs.replace(one, ended_at_s=None)
        for one in UNITS
        if one.started_at_s <= now_s
    ]


async def test_energy_of_a_requeued_job_is_charged_to_each_run_once(reader: CounterReader) -> None:
    async with empty_store("Europe/Paris") as store:
        await store.write_window("prod", WHOLE, UNITS, WHOLE.to_s)
        await EnergyUpdates(store, "prod", reader).fill(WHOLE)
        await EnergyUpdates(store, "prod", reader).fill(WHOLE)  # the same data twice
        first = Window(MIDNIGHT_S + 600, MIDNIGHT_S + 1500)
        found = await joules(store, first)
        assert found["twice", "2026-11-10"] == pytest.approx(
            300 * 900 * 1000, abs=300 * STEP_S * 1000
        )
        whole = await joules(store, WHOLE)
        assert whole["twice", "2026-11-10"] == 300 * (900 + 2420) * 1000


async def test_energy_of_units_that_come_late_is_not_passed_by(reader: CounterReader) -> None:
    async with empty_store("Europe/Paris") as store:
        now_s = MIDNIGHT_S + 5 * 3600
        updates = EnergyUpdates(store, "prod", reader, clock=lambda: float(now_s))
        assert await updates.update() == 0  # no units yet
        await store.write_window("prod", Window(MIDNIGHT_S, MIDNIGHT_S + 60), [], MIDNIGHT_S + 60)
        assert await updates.update() == 0  # and then those of a minute
        await store.write_window("prod", WHOLE, UNITS, WHOLE.to_s)
        await updates.update()
        found = await joules(store, WHOLE)
        assert found["short", "2026-11-10"] == expected("short", PARIS_DAY)


async def test_energy_that_nothing_measured_is_not_covered(reader: CounterReader) -> None:
    async with empty_store("Europe/Paris") as store:
        lone = unit("alone", 0, 1000)
        half = msgspec.structs.replace(UNITS[5], nodes=4)
        await store.write_window("prod", WHOLE, [lone, half], WHOLE.to_s)
        await EnergyUpdates(store, "prod", reader).fill(WHOLE)
        question = Question(WHOLE, store.calendar, EVERYTHING, (Dimension.USER,))
        used = {row.names[0]: row.used async for row in answer(store, question)}
        assert (used["alone"].coverage, used["alone"].host_mj) == (0, 0)
        assert used["wide"].coverage == pytest.approx(0.5, abs=0.01)
        assert Method.COUNTERS.word == "counters"
