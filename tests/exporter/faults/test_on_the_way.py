"""Faults between exporter and BMC: dead, slow, lossy, garbage; over all three protocols at once.

Watched on /metrics of a whole exporter: no false watts, none too old, healthy neighbours fresh, and
back when the fault is gone (`ward.py` holds the first three at every page).
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rackwatt_exporter.simulator.faults.device_faults import Fault
from tests.exporter.faults.faulty_fleet import Seen, Ward

LOOPS = ("attended",)


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    async with Ward(tmp_path) as made:
        yield made


async def test_dead_bmcs_time_out_are_withdrawn_and_come_back(ward: Ward) -> None:
    async with ward.watching(ward.sick.values()) as watch:
        for name in ward.sick.values():
            ward.set(name, Fault(dead=True))
        for name in ward.sick.values():
            await watch.until_failing(name, "timeout")
        for name in ward.sick.values():
            ward.clear(name)
        for name in ward.sick.values():
            await watch.until_back(name)
    assert [ward.sessions(name) for name in ward.machines if "snmp" not in name] == [0] * 6


async def test_bmcs_that_need_5_s_for_an_answer_time_out_and_come_back(ward: Ward) -> None:
    async with ward.watching(ward.sick.values()) as watch:
        for name in ward.sick.values():
            ward.set(name, Fault(slow_s=5))
        for name in ward.sick.values():
            await watch.until_failing(name, "timeout")
        for name in ward.sick.values():
            ward.clear(name)
        for name in ward.sick.values():
            await watch.until_back(name)
    assert ward.sessions(ward.sick["redfish"]) == 0


async def test_bmcs_that_need_a_second_for_an_answer_are_left_without_a_session(ward: Ward) -> None:
    slow = [ward.sick["ipmi"], ward.sick["redfish"]]
    async with ward.watching(slow):
        for name in slow:
            ward.set(name, Fault(slow_s=1))
    assert [ward.sessions(name) for name in slow] == [0, 0]


async def test_bmcs_behind_a_lossy_network_stay_fresh(ward: Ward) -> None:
    async with ward.watching(ward.machines) as watch:
        for name in ward.machines:
            ward.set(name, Fault(loss=0.05, duplication=0.05, reordering=0.05))
        await asyncio.sleep(3)
        seen = Seen(await watch.site.text())
        assert {reason for _, reason in seen.errors} <= {"timeout"}
    for method in ("ipmi", "redfish"):
        assert ward.sessions(ward.sick[method]) <= 1


async def test_garbage_is_an_error_and_never_a_number(ward: Ward) -> None:
    reasons = {"ipmi": "timeout", "snmp": "bad_reply", "redfish": "bad_reply"}
    async with ward.watching(ward.sick.values()) as watch:
        for name in ward.sick.values():
            ward.set(name, Fault(garbage=1.0))
        for method, name in ward.sick.items():
            await watch.until_failing(name, reasons[method])
        for name in ward.sick.values():
            ward.set(name, Fault(garbage=0.3))
        await asyncio.sleep(1.5)
        for name in ward.sick.values():
            ward.clear(name)
        for name in ward.sick.values():
            await watch.until_back(name)


async def test_a_well_ward_is_seen_to_be_well(ward: Ward) -> None:
    async with ward.watching() as watch:
        await watch.until(lambda seen: min(seen.joules(name) or 0 for name in ward.machines) > 300)
        await watch.until(lambda _: watch.pages > 5)
    assert [ward.sessions(name) for name in ward.machines if "snmp" not in name] == [0] * 6
