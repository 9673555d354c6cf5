"""Faults of the BMC itself: restarts, full of sessions, another password, off, another identity.

Watched on /metrics of a whole exporter, as those on the way are.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import pytest

from rackwatt_exporter.simulator.faults.device_faults import Fault
from rackwatt_exporter.simulator.vendors import VENDORS
from tests.exporter.faults.faulty_fleet import INTERVAL_S, SLACK_S, FaultyFleet, MetricsPage

LOOPS = ("attended",)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[FaultyFleet]:
    async with FaultyFleet(tmp_path) as made:
        yield made


def no_session_is_left(fleet: FaultyFleet) -> None:
    left = {name: fleet.sessions(name) for name in fleet.machines if "snmp" not in name}
    assert not any(left.values()), left


async def test_bmcs_that_restart_again_and_again_are_read_between(fleet: FaultyFleet) -> None:
    sick = fleet.sick.values()
    async with fleet.watching(sick) as watch:
        for name in sick:
            fleet.set(name, Fault(restart_every_s=1.5, down_s=0.4))
        before = MetricsPage(await watch.site.text())
        await asyncio.sleep(2.5)
        for name in sick:
            await watch.until_read(name, before, 4)
            fleet.clear(name)
        for name in sick:
            await watch.until_back(name)
    no_session_is_left(fleet)


async def test_one_restart_costs_at_most_two_intervals(fleet: FaultyFleet) -> None:
    async with fleet.watching(fleet.sick.values()) as watch:
        before = MetricsPage(await watch.site.text())
        for name in fleet.sick.values():
            fleet.faults.restart(fleet.machines[name].address)
        for name in fleet.sick.values():
            await watch.until_read(name, before, 2)
    no_session_is_left(fleet)


async def test_a_bmc_full_of_others_sessions_says_so_and_is_read_once_there_is_room(
    fleet: FaultyFleet,
) -> None:
    name = fleet.sick["ipmi"]
    async with fleet.watching([name]) as watch:
        fleet.set(name, Fault(sessions=0), restart=True)
        await watch.until_failing(name, "session_limit")
        fleet.clear(name)
        await watch.until_back(name)
    no_session_is_left(fleet)


@pytest.mark.parametrize("vendor", ["generic", "idrac8"])
async def test_a_redfish_service_full_of_sessions_is_read_without_one(
    fleet: FaultyFleet, vendor: str
) -> None:
    name = fleet.sick["redfish"]
    async with fleet.watching([name]) as watch:
        before = MetricsPage(await watch.site.text())
        fleet.set(name, Fault(sessions=0, vendor=VENDORS[vendor]), restart=True)
        await watch.until_read(name, before, 3)
        assert fleet.sessions(name) == 0
    no_session_is_left(fleet)


async def test_another_password_is_auth_failed_until_it_is_ours_again(fleet: FaultyFleet) -> None:
    async with fleet.watching(fleet.sick.values()) as watch:
        for name in fleet.sick.values():
            fleet.set(name, Fault(wrong_credentials=True), restart=True)
        for name in fleet.sick.values():
            await watch.until_failing(name, "auth_failed")
        for name in fleet.sick.values():
            fleet.clear(name)
        for name in fleet.sick.values():
            await watch.until_back(name)
    no_session_is_left(fleet)


def is_up(name: str) -> Callable[[MetricsPage], bool]:
    return lambda seen: seen.up(name)


async def test_a_machine_that_is_off_has_no_watts(fleet: FaultyFleet) -> None:
    off = [
        fleet.sick["ipmi"],
        fleet.sick["redfish"],
    ]  # a PDU has no state: it says what it measures
    async with fleet.watching(off) as watch:
        for name in off:
            fleet.set(name, Fault(powered_off=True))
        for name in off:
            await watch.until_failing(name, "powered_off")
        await asyncio.sleep(2 * INTERVAL_S)
        seen = MetricsPage(await watch.site.text())
        assert [seen.watts(name) for name in off] == [None, None]
        for name in off:
            fleet.clear(name)
        for name in off:
            await watch.until(is_up(name), 2 * INTERVAL_S + SLACK_S)
    no_session_is_left(fleet)


async def test_an_agent_that_was_replaced_is_found_again(fleet: FaultyFleet) -> None:
    name = fleet.sick["snmp"]
    async with fleet.watching([name]) as watch:
        for fault in (Fault(new_engine=True), Fault()):
            fleet.set(name, fault)
            await watch.until_read(name, MetricsPage(await watch.site.text()), 3)


@pytest.mark.parametrize("certificate", ["expired", "stranger"])
async def test_a_certificate_that_does_not_hold_is_not_spoken_to(
    fleet: FaultyFleet, certificate: Literal["expired", "stranger"]
) -> None:
    name = fleet.sick["redfish"]
    async with fleet.watching([name]) as watch:
        fleet.set(name, Fault(certificate=certificate), restart=True)
        await watch.until_failing(name, "tls_failed")
        fleet.clear(name)
        await watch.until_back(name)
    no_session_is_left(fleet)


async def test_firmware_that_says_nonsense_is_an_error_and_never_a_number(
    fleet: FaultyFleet,
) -> None:
    reasons = {"ipmi": "bad_reply", "snmp": "sensor_unreadable", "redfish": "bad_reply"}
    async with fleet.watching(fleet.sick.values()) as watch:
        for name in fleet.sick.values():
            fleet.set(name, Fault(vendor=VENDORS["nonsense"]))
        for method, name in fleet.sick.items():
            await watch.until_failing(name, reasons[method])
        for name in fleet.sick.values():
            fleet.clear(name)
        for name in fleet.sick.values():
            await watch.until_back(name)
    no_session_is_left(fleet)
