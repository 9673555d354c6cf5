"""Faults between exporter and BMC: dead, slow, lossy, garbage; over all three protocols at once.

Watched on /metrics of a whole exporter: no false watts, none too old, healthy neighbours fresh, and
back when the fault is gone (`faulty_fleet.py` holds the first three at every page).
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rackwatt_exporter.simulator.faults.device_faults import Fault
from tests.exporter.faults.faulty_fleet import FaultyFleet, MetricsPage

LOOPS = ("attended",)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[FaultyFleet]:
    async with FaultyFleet(tmp_path) as made:
        yield made


async def test_dead_bmcs_time_out_are_withdrawn_and_come_back(fleet: FaultyFleet) -> None:
    async with fleet.watching(fleet.sick.values()) as watch:
        for name in fleet.sick.values():
            fleet.set(name, Fault(dead=True))
        for name in fleet.sick.values():
            await watch.until_failing(name, "timeout")
        for name in fleet.sick.values():
            fleet.clear(name)
        for name in fleet.sick.values():
            await watch.until_back(name)
    assert [fleet.sessions(name) for name in fleet.machines if "snmp" not in name] == [0] * 6


async def test_bmcs_that_need_5_s_for_an_answer_time_out_and_come_back(fleet: FaultyFleet) -> None:
    async with fleet.watching(fleet.sick.values()) as watch:
        for name in fleet.sick.values():
            fleet.set(name, Fault(slow_s=5))
        for name in fleet.sick.values():
            await watch.until_failing(name, "timeout")
        for name in fleet.sick.values():
            fleet.clear(name)
        for name in fleet.sick.values():
            await watch.until_back(name)
    assert fleet.sessions(fleet.sick["redfish"]) == 0


async def test_bmcs_that_need_a_second_for_an_answer_are_left_without_a_session(
    fleet: FaultyFleet,
) -> None:
    slow = [fleet.sick["ipmi"], fleet.sick["redfish"]]
    async with fleet.watching(slow):
        for name in slow:
            fleet.set(name, Fault(slow_s=1))
    assert [fleet.sessions(name) for name in slow] == [0, 0]


async def test_bmcs_behind_a_lossy_network_stay_fresh(fleet: FaultyFleet) -> None:
    async with fleet.watching(fleet.machines) as watch:
        for name in fleet.machines:
            fleet.set(name, Fault(loss=0.05, duplication=0.05, reordering=0.05))
        await asyncio.sleep(3)
        seen = MetricsPage(await watch.site.text())
        assert {reason for _, reason in seen.errors} <= {"timeout"}
    for method in ("ipmi", "redfish"):
        assert fleet.sessions(fleet.sick[method]) <= 1


async def test_garbage_is_an_error_and_never_a_number(fleet: FaultyFleet) -> None:
    reasons = {"ipmi": "timeout", "snmp": "bad_reply", "redfish": "bad_reply"}
    async with fleet.watching(fleet.sick.values()) as watch:
        for name in fleet.sick.values():
            fleet.set(name, Fault(garbage=1.0))
        for method, name in fleet.sick.items():
            await watch.until_failing(name, reasons[method])
        for name in fleet.sick.values():
            fleet.set(name, Fault(garbage=0.3))
        await asyncio.sleep(1.5)
        for name in fleet.sick.values():
            fleet.clear(name)
        for name in fleet.sick.values():
            await watch.until_back(name)


async def test_a_healthy_fleet_is_seen_to_be_healthy(fleet: FaultyFleet) -> None:
    async with fleet.watching() as watch:
        await watch.until(lambda seen: min(seen.joules(name) or 0 for name in fleet.machines) > 300)
        await watch.until(lambda _: watch.pages > 5)
    assert [fleet.sessions(name) for name in fleet.machines if "snmp" not in name] == [0] * 6
