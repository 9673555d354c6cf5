"""The counters of a node's controller: only a Cray has them, so a tree of them is moved here."""

import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.collectors.cray import CrayCollector, Quantity, quantity, value
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import DomainPower, EnergyCounter, ReadError, Reason
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.ledger_file import LedgerFile
from tests.exporter.collectors.pm_counters import PmCounters

STARTUP = "1778580757634187"


def collector(tmp_path: Path, tree: PmCounters) -> CrayCollector:
    return CrayCollector(HostPaths("n1", sysfs=tmp_path), tree.scan)


async def test_cray_counts_the_energy_of_the_node_and_of_its_parts(tmp_path: Path) -> None:
    found = await collector(tmp_path, PmCounters(tmp_path)).read()
    assert found.error is None
    assert set(found.energies) == {
        EnergyCounter("node", "node", 12044825101.0, math.inf, True, 50_000.0, STARTUP),
        EnergyCounter("cpu", "cpu", 1e9, math.inf, False, 50_000.0, STARTUP),
        EnergyCounter("memory", "memory", 58869289.0, math.inf, False, 50_000.0, STARTUP),
        EnergyCounter("accel", "accel0", 2869283299.0, math.inf, False, 50_000.0, STARTUP),
    }
    assert found.powers == (DomainPower("accel", "accel1", 208.0, additive=False),)


async def test_cray_has_power_temperature_and_caps_and_a_cap_of_0_is_none(tmp_path: Path) -> None:
    found = await collector(tmp_path, PmCounters(tmp_path)).read()
    assert {(one.family.name, one.labels): one.value for one in found.samples} == {
        ("rackwatt_node_cray_power_watts", ("node",)): 724,
        ("rackwatt_node_cray_power_watts", ("cpu",)): 112,
        ("rackwatt_node_cray_power_watts", ("memory",)): 31,
        ("rackwatt_node_cray_power_watts", ("accel0",)): 212,
        ("rackwatt_node_cray_power_watts", ("accel1",)): 208,
        ("rackwatt_node_cray_temperature_celsius", ("cpu0",)): 41,
        ("rackwatt_node_domain_power_limit_watts", ("cray", "node", "node", "power_cap")): 2894,
    }


async def test_cray_integrates_the_power_of_a_node_that_has_no_energy(tmp_path: Path) -> None:
    tree = PmCounters(tmp_path)
    (tree.folder / "energy").unlink()
    found = await collector(tmp_path, tree).read()
    assert DomainPower("node", "node", 724.0, additive=True) in found.powers


async def test_cray_without_accelerators_has_no_domain_for_them(tmp_path: Path) -> None:
    tree = PmCounters(tmp_path)
    for name, text in (("accel_energy", "0 J 1 us"), ("accel_power", "0 W 1 us")):
        tree.show(name, text)
    found = await collector(tmp_path, tree).read()
    assert "accel" not in {energy.zone for energy in found.energies}


async def test_cray_of_a_controller_that_does_not_scan_is_a_reason_and_not_an_old_value(
    tmp_path: Path,
) -> None:
    tree = PmCounters(tmp_path)
    waited = []

    async def stand_still(seconds: float) -> None:
        waited.append(seconds)

    first = CrayCollector(HostPaths("n1", sysfs=tmp_path), stand_still)
    with pytest.raises(ReadError, match="freshness stays at 60043284") as caught:
        await first.read()
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    assert sum(waited) == pytest.approx(1.0)
    await tree.scan()
    with pytest.raises(ReadError):  # one scan is no proof, before any other was seen
        await first.read()
    later = collector(tmp_path, tree)
    await later.read()
    later._sleep = stand_still
    with pytest.raises(ReadError, match="all values are old"):
        await later.read()
    await tree.scan()
    assert (await later.read()).error is None
    await later.close()


async def test_cray_waits_for_nothing_if_the_controller_has_scanned_since(tmp_path: Path) -> None:
    tree = PmCounters(tmp_path)
    made = collector(tmp_path, tree)
    await made.read()

    async def refuse(_: float) -> None:
        raise AssertionError

    made._sleep = refuse
    await tree.scan()
    assert (await made.read()).error is None
    await made.close()


async def test_cray_books_nothing_across_a_restart_of_the_controller(tmp_path: Path) -> None:
    tree = PmCounters(tmp_path)
    made = collector(tmp_path, tree)
    now_s = 100.0
    ledger = LedgerFile(None)
    store = CollectorStore("n1", ledger, lambda: now_s, lambda: now_s)
    store.sync([CollectorConfig("cray", "nodes")])

    async def read(joules: int) -> float:
        nonlocal now_s
        now_s += 10
        await tree.scan()
        tree.show("energy", f"{joules} J 1 us")
        store.succeeded("cray", await made.read(), 0.001)
        return ledger.counters["cray/node"].joules

    assert await read(1_000) == 0
    assert await read(8_000) == 7_000
    tree.add("generation")  # a cap was changed: the counters continue
    assert await read(15_000) == 14_000
    tree.add("startup")
    assert await read(16_000) == 14_000  # it may have started again at 0, and grown
    assert await read(20_000) == 18_000
    assert store.watts(store.records["cray"]) == pytest.approx(400.0)
    await made.close()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("energy", "", Reason.BAD_REPLY),
        ("energy", "-1 J 1 us", Reason.BAD_REPLY),
        ("energy", "12 W 1 us", Reason.BAD_REPLY),
        ("energy", "12 J 1", Reason.BAD_REPLY),
        ("energy", "9999999999999999999 J 1 us", Reason.IMPLAUSIBLE),
        ("power", "99999999 W 1 us", Reason.IMPLAUSIBLE),
        ("power", "0 W 1 us", Reason.IMPLAUSIBLE),
    ],
)
async def test_cray_serves_the_rest_beside_a_value_that_is_none(
    tmp_path: Path, name: str, text: str, reason: Reason
) -> None:
    tree = PmCounters(tmp_path)
    tree.show(name, text)
    found = await collector(tmp_path, tree).read()
    assert found.error is not None
    assert found.error.reason is reason
    assert f"pm_counters/{name}" in str(found.error)
    assert "cpu" in {energy.zone for energy in found.energies}


@pytest.mark.parametrize("name", ["freshness", "startup"])
@pytest.mark.parametrize("text", ["soon", "", "-1", None])
async def test_cray_needs_the_counts_that_separate_old_values_from_new_ones(
    tmp_path: Path, name: str, text: str | None
) -> None:
    tree = PmCounters(tmp_path)
    made = collector(tmp_path, tree)
    await made.read()
    await tree.scan()
    if text is None:
        (tree.folder / name).unlink()
    else:
        tree.show(name, text)
    with pytest.raises(ReadError, match=f"has no {name}|not a count") as caught:
        await made.read()
    assert caught.value.reason is Reason.BAD_REPLY
    await made.close()


async def test_cray_is_absent_elsewhere_and_noticed_when_it_appears(tmp_path: Path) -> None:
    made = CrayCollector(HostPaths("n1", sysfs=tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ReadError, match="no node of HPE Cray") as caught:
        await made.read()
    assert caught.value.reason is Reason.ABSENT
    made._sleep = PmCounters(tmp_path).scan
    assert (await made.read()).error is None
    await made.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_cray_takes_no_energy_for_used_that_a_cap_has_saved() -> None:
    assert quantity("energy") == Quantity("node", "node", "energy")
    assert quantity("accel12_power_cap") == Quantity("accel", "accel12", "power_cap")
    for name in ("capped_energy", "overshoot_energy", "overshoot", "version", "freshness"):
        assert quantity(name) is None


@given(st.binary(max_size=60))
def test_cray_of_garbage_is_a_bad_reply_or_the_number_that_is_there(text: bytes) -> None:
    try:
        found = value(text, "energy", "energy")
    except ReadError as error:
        assert error.reason in (Reason.BAD_REPLY, Reason.IMPLAUSIBLE)
    else:
        assert int(text.split()[0]) == found
