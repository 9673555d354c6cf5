import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from rackwatt_exporter.config.options import IpmiOptions
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.polling.limits import ConcurrencyLimit, ConcurrencyLimiter, subnet

TARGET = Target(
    "a",
    "10.0.0.1",
    "ipmi",
    IpmiOptions(),
    "lab",
    credentials="bmc",
    subnet_limit=2,
    credential_limit=3,
)


def at(address: str, **more: object) -> Target:
    return replace(TARGET, **{"node": address, "address": address, **more})  # type: ignore[arg-type]


async def holders(limits: list[ConcurrencyLimit]) -> list[int]:
    """Return the indexes of the limits that are acquired when all are tried at once."""
    inside: list[int] = []

    async def stay(number: int) -> None:
        async with limits[number]:
            inside.append(number)
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(stay(number)) for number in range(len(limits))]
    for _ in range(10):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    return inside


async def test_the_limiter_bounds_reads_of_a_subnet() -> None:
    limits = ConcurrencyLimiter()
    assert await holders([limits.healthy(at(f"10.0.0.{i}")) for i in range(5)]) == [0, 1]
    assert await holders([limits.healthy(at(f"10.0.{i}.1")) for i in range(5)]) == [0, 1, 2, 3, 4]


async def test_the_limiter_bounds_first_contacts_with_a_credential() -> None:
    limits = ConcurrencyLimiter()
    assert await holders([limits.unproven(at(f"10.0.{i}.1")) for i in range(5)]) == [0, 1, 2]
    other = [limits.unproven(at(f"10.0.{i}.1", credentials=str(i))) for i in range(5)]
    assert await holders(other) == [0, 1, 2, 3, 4]
    methods = [limits.unproven(at(f"10.0.{i}.1", method=m)) for i, m in enumerate(("snmp", "ipmi"))]
    assert await holders(methods) == [0, 1]


async def test_the_limiter_keeps_suspect_targets_out_of_the_limit_of_living_ones() -> None:
    limits = ConcurrencyLimiter()
    suspects = [limits.unproven(at(f"10.0.0.{i}")) for i in range(5)]
    living = [limits.healthy(at(f"10.0.0.1{i}")) for i in range(2)]
    assert await holders([*suspects, *living]) == [0, 1, 5, 6]


async def test_the_limiter_serialises_two_targets_at_one_endpoint() -> None:
    limits = ConcurrencyLimiter()
    same = [limits.healthy(at("10.0.0.1", node=name)) for name in ("a", "b")]
    assert await holders(same) == [0]


async def test_the_limiter_releases_the_slot_of_a_cancelled_wait() -> None:
    limits = ConcurrencyLimiter()
    for _ in range(3):
        assert await holders([limits.unproven(at(f"10.0.0.{i}")) for i in range(9)]) == [0, 1]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.11.1.200", "10.11.1.0/24"),
        ("fd00:1:2:3::9", "fd00:1:2:3::/64"),
        ("n1-bmc.example.org", "n1-bmc.example.org"),
        ("n1", "n1"),
    ],
)
def test_subnet_derives_the_network_from_an_address(address: str, name: str) -> None:
    assert subnet(address) == name
