"""The simulated BMCs: ipmitool, freeipmi and pyghmi let them in, at suites 3 and 17."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.simulator.ipmi.bmc import IpmiServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from tests.eventually import PATIENCE_S
from tests.exporter.targets.ipmi.driven import Driven, driven
from tests.peers.ipmi_tools import Asker
from tests.peers.ports import free_port

BLOCK = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}"


@pytest.fixture
def machines() -> dict[str, SimulatedMachine]:
    addresses = [f"{BLOCK}.{i}" for i in range(1, 101)]
    return {
        address: SimulatedMachine(f"n{i}", address, phase=i / 100)
        for i, address in enumerate(addresses)
    }


@pytest.fixture
async def port(machines: dict[str, SimulatedMachine]) -> AsyncIterator[int]:
    port = free_port()
    server = IpmiServer(machines, port)
    await server.start()
    yield port
    await server.close()


@pytest.fixture
async def made(tmp_path: Path, port: int) -> AsyncIterator[Driven]:
    async with driven(tmp_path) as made:
        yield made


def asker(machine: SimulatedMachine, port: int, suite: int, password: str = "simulated") -> Asker:
    return Asker(machine.address, port, "monitor", password, suite, level="user")


@pytest.mark.parametrize("suite", [3, 17])
async def test_ipmitool_and_freeipmi_read_the_watts(
    machines: dict[str, SimulatedMachine], port: int, suite: int
) -> None:
    machine = machines[f"{BLOCK}.7"]
    ask = asker(machine, port, suite)
    for read in (ask.ipmitool_watts, ask.freeipmi_watts):
        assert await asyncio.to_thread(read) == pytest.approx(machine.watts(time.time()), abs=1)
    sensor = await asyncio.to_thread(ask.ipmitool_sensor, "PSU1 PIN")
    assert sensor == pytest.approx(machine.watts(time.time()) / 2, abs=2)
    status = await asyncio.to_thread(ask.ipmitool, "chassis", "power", "status")
    assert "is on" in status


async def test_pyghmi_reads_the_watts_and_the_sensors(
    machines: dict[str, SimulatedMachine], port: int
) -> None:
    machine = machines[f"{BLOCK}.9"]
    said = await asyncio.to_thread(asker(machine, port, 17).pyghmi, "PSU1 PIN", "Inlet Temp")
    watts = machine.watts(time.time())
    assert said["watts"] == pytest.approx(watts, abs=1)
    assert said["PSU1 PIN"] == [pytest.approx(watts / 2, abs=2), "W"]
    assert said["Inlet Temp"][1] == "°C"


async def test_ipmitool_finds_the_suite_by_itself(
    machines: dict[str, SimulatedMachine], port: int
) -> None:
    machine = machines[f"{BLOCK}.3"]
    suites = await asyncio.to_thread(
        asker(machine, port, 3).ipmitool, "channel", "getciphers", "ipmi", "1"
    )
    assert "aes_cbc_128" in suites


@pytest.mark.parametrize("suite", [3, 17, None])
async def test_our_client_reads_every_machine_at_its_own_address(
    machines: dict[str, SimulatedMachine], port: int, made: Driven, suite: int | None
) -> None:
    source = partial(made.source, credentials="simulated", privilege="user", cipher_suite=suite)
    sources = [source(SimpleNamespace(address=each, port=port)) for each in machines]
    for _ in range(2):
        readings = await asyncio.gather(*(each.read() for each in sources))
        for machine, reading in zip(machines.values(), readings, strict=True):
            assert reading.watts == pytest.approx(machine.watts(time.time()), abs=1)
            assert reading.statistics.window_s == 60


async def test_power_sensors_have_half_of_the_watts_each(
    machines: dict[str, SimulatedMachine], port: int, made: Driven
) -> None:
    end = SimpleNamespace(address=f"{BLOCK}.42", port=port)
    sensors = ("PSU1 PIN", "PSU2 PIN")
    source = made.source(end, "simulated", "user", dcmi=False, sensors=sensors)
    watts = machines[end.address].watts(time.time())
    assert (await source.read()).watts == pytest.approx(watts, abs=4)


async def test_a_machine_that_is_off_says_so(
    machines: dict[str, SimulatedMachine], port: int, made: Driven
) -> None:
    end = SimpleNamespace(address=f"{BLOCK}.5", port=port)
    machines[end.address].powered_on = False
    with pytest.raises(ReadError) as caught:
        await made.source(end, "simulated", "user").read()
    assert caught.value.reason is Reason.POWERED_OFF


async def test_a_wrong_password_is_refused_by_the_simulator_too(
    machines: dict[str, SimulatedMachine], port: int
) -> None:
    ask = asker(machines[f"{BLOCK}.2"], port, 17, password="wrong")
    with pytest.raises(AssertionError, match="RAKP 2 HMAC is invalid"):
        await asyncio.to_thread(ask.ipmitool, "-v", "mc", "info")


async def test_a_full_bmc_says_session_limit_and_has_room_after_a_close(
    machines: dict[str, SimulatedMachine], port: int, made: Driven
) -> None:
    end = SimpleNamespace(address=f"{BLOCK}.6", port=port)
    sources = [made.source(end, "simulated", "user") for _ in range(17)]
    for source in sources[:16]:
        await source.read()
    with pytest.raises(ReadError) as caught:
        await sources[16].read()
    assert caught.value.reason is Reason.SESSION_LIMIT
    await sources[0].close()
    assert (await sources[16].read()).watts > 0


async def test_a_presence_ping_is_answered_from_the_address_that_was_pinged(
    machines: dict[str, SimulatedMachine], port: int
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.sendto(bytes.fromhex("0600ff06000011be80000000"), (f"{BLOCK}.1", port))
        loop = asyncio.get_running_loop()
        answer, address = await asyncio.wait_for(loop.sock_recvfrom(client, 64), PATIENCE_S)
        assert address == (f"{BLOCK}.1", port)
        assert answer[8] == 0x40


async def test_garbage_is_not_answered_and_does_no_harm(
    machines: dict[str, SimulatedMachine], port: int, made: Driven
) -> None:
    noise = random.Random(3)
    end = SimpleNamespace(address=f"{BLOCK}.8", port=port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for _ in range(300):
            head = noise.choice([b"", b"\x06\x00\xff\x07", b"\x06\x00\xff\x07\x06\x12"])
            client.sendto(head + noise.randbytes(noise.randrange(60)), (end.address, port))
    assert (await made.source(end, "simulated", "user").read()).watts > 0
