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
from tests.exporter.faults.faulty_fleet import INTERVAL_S, SLACK_S, Seen, Ward

LOOPS = ("attended",)


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    async with Ward(tmp_path) as made:
        yield made


def no_session_is_left(ward: Ward) -> None:
    left = {name: ward.sessions(name) for name in ward.machines if "snmp" not in name}
    assert not any(left.values()), left


async def test_bmcs_that_restart_again_and_again_are_read_between(ward: Ward) -> None:
    sick = ward.sick.values()
    async with ward.watching(sick) as watch:
        for name in sick:
            ward.set(name, Fault(restart_every_s=1.5, down_s=0.4))
        before = Seen(await watch.site.text())
        await asyncio.sleep(2.5)
        for name in sick:
            await watch.until_read(name, before, 4)
            ward.clear(name)
        for name in sick:
            await watch.until_back(name)
    no_session_is_left(ward)


async def test_one_restart_costs_at_most_two_intervals(ward: Ward) -> None:
    async with ward.watching(ward.sick.values()) as watch:
        before = Seen(await watch.site.text())
        for name in ward.sick.values():
            ward.faults.restart(ward.machines[name].address)
        for name in ward.sick.values():
            await watch.until_read(name, before, 2)
    no_session_is_left(ward)


async def test_a_bmc_full_of_others_sessions_says_so_and_is_read_once_there_is_room(
    ward: Ward,
) -> None:
    name = ward.sick["ipmi"]
    async with ward.watching([name]) as watch:
        ward.set(name, Fault(sessions=0), restart=True)
        await watch.until_failing(name, "session_limit")
        ward.clear(name)
        await watch.until_back(name)
    no_session_is_left(ward)


@pytest.mark.parametrize("vendor", ["generic", "idrac8"])
async def test_a_redfish_service_full_of_sessions_is_read_without_one(
    ward: Ward, vendor: str
) -> None:
    name = ward.sick["redfish"]
    async with ward.watching([name]) as watch:
        before = Seen(await watch.site.text())
        ward.set(name, Fault(sessions=0, vendor=VENDORS[vendor]), restart=True)
        await watch.until_read(name, before, 3)
        assert ward.sessions(name) == 0
    no_session_is_left(ward)


async def test_another_password_is_auth_failed_until_it_is_ours_again(ward: Ward) -> None:
    async with ward.watching(ward.sick.values()) as watch:
        for name in ward.sick.values():
            ward.set(name, Fault(wrong_credentials=True), restart=True)
        for name in ward.sick.values():
            await watch.until_failing(name, "auth_failed")
        for name in ward.sick.values():
            ward.clear(name)
        for name in ward.sick.values():
            await watch.until_back(name)
    no_session_is_left(ward)


def is_up(name: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.up(name)


async def test_a_machine_that_is_off_has_no_watts(ward: Ward) -> None:
    off = [ward.sick["ipmi"], ward.sick["redfish"]]  # a PDU has no state: it says what it measures
    async with ward.watching(off) as watch:
        for name in off:
            ward.set(name, Fault(powered_off=True))
        for name in off:
            await watch.until_failing(name, "powered_off")
        await asyncio.sleep(2 * INTERVAL_S)
        seen = Seen(await watch.site.text())
        assert [seen.watts(name) for name in off] == [None, None]
        for name in off:
            ward.clear(name)
        for name in off:
            await watch.until(is_up(name), 2 * INTERVAL_S + SLACK_S)
    no_session_is_left(ward)


async def test_an_agent_that_was_replaced_is_found_again(ward: Ward) -> None:
    name = ward.sick["snmp"]
    async with ward.watching([name]) as watch:
        for fault in (Fault(new_engine=True), Fault()):
            ward.set(name, fault)
            await watch.until_read(name, Seen(await watch.site.text()), 3)


@pytest.mark.parametrize("certificate", ["expired", "stranger"])
async def test_a_certificate_that_does_not_hold_is_not_spoken_to(
    ward: Ward, certificate: Literal["expired", "stranger"]
) -> None:
    name = ward.sick["redfish"]
    async with ward.watching([name]) as watch:
        ward.set(name, Fault(certificate=certificate), restart=True)
        await watch.until_failing(name, "tls_failed")
        ward.clear(name)
        await watch.until_back(name)
    no_session_is_left(ward)


async def test_firmware_that_says_nonsense_is_an_error_and_never_a_number(ward: Ward) -> None:
    reasons = {"ipmi": "bad_reply", "snmp": "sensor_unreadable", "redfish": "bad_reply"}
    async with ward.watching(ward.sick.values()) as watch:
        for name in ward.sick.values():
            ward.set(name, Fault(vendor=VENDORS["nonsense"]))
        for method, name in ward.sick.items():
            await watch.until_failing(name, reasons[method])
        for name in ward.sick.values():
            ward.clear(name)
        for name in ward.sick.values():
            await watch.until_back(name)
    no_session_is_left(ward)
