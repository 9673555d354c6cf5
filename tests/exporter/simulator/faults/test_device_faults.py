"""The layer of faults itself: what it does to packets and requests, counted at a plain socket."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from rackwatt_exporter.protocols.ipmi import rmcp
from rackwatt_exporter.simulator.certificate import write_files
from rackwatt_exporter.simulator.faults.device_faults import MAX_WAITING, Fault, Faults
from rackwatt_exporter.simulator.ipmi.bmc import IpmiServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import RedfishServer
from tests.peers.ports import free_port

LOOPS = ("attended",)
SICK, WELL = "127.46.0.1", "127.46.0.2"
PING = bytes.fromhex("0600ff06000011be80000000")


class Pinger:
    """Sends presence pings, and keeps what comes back and when."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[tuple[float, bytes]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def _hear(self) -> None:
        self.heard.append((time.monotonic(), self._socket.recv(4096)))

    async def ping(self, times: int, for_s: float, address: str = SICK) -> list[bytes]:
        """Ping, wait, and give what came back."""
        self.heard.clear()
        for number in range(times):
            self._socket.sendto(PING, (address, self.port))
            await asyncio.sleep(0.001 if number % 20 == 0 else 0)  # buffers are small
        await asyncio.sleep(for_s)
        return [data for _, data in self.heard]

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


@pytest.fixture
def machines() -> dict[str, SimulatedMachine]:
    return {address: SimulatedMachine(address, address, 300, 300) for address in (SICK, WELL)}


@pytest.fixture
def faults(machines: dict[str, SimulatedMachine]) -> Faults:
    return Faults(machines.values(), seed=3)


@pytest.fixture
async def pinger(machines: dict[str, SimulatedMachine], faults: Faults) -> AsyncIterator[Pinger]:
    port = free_port()
    server = IpmiServer(machines, port, faults)
    await server.start()
    pinger = Pinger(port)
    yield pinger
    pinger.close()
    await server.close()


async def test_packets_are_lost_and_doubled_as_often_as_is_said(
    pinger: Pinger, faults: Faults
) -> None:
    assert len(await pinger.ping(300, 0.2)) == 300
    faults.set(SICK, Fault(loss=0.2))
    assert 150 < len(await pinger.ping(300, 0.2)) < 235  # 0.8 on the way there, 0.8 back
    faults.set(SICK, Fault(duplication=0.5))
    assert 550 < len(await pinger.ping(300, 0.2)) < 800  # 1.5 there, 1.5 back
    assert len(await pinger.ping(300, 0.2, WELL)) == 300
    faults.clear(SICK)
    assert len(await pinger.ping(300, 0.2)) == 300


async def test_answers_are_late_held_back_or_one_after_another(
    pinger: Pinger, faults: Faults
) -> None:
    faults.set(SICK, Fault(latency_s=0.2))
    began_s = time.monotonic()
    assert len(await pinger.ping(3, 0.4)) == 3
    assert all(heard_s - began_s >= 0.19 for heard_s, _ in pinger.heard)
    faults.set(SICK, Fault(slow_s=0.05))
    began_s = time.monotonic()
    assert len(await pinger.ping(MAX_WAITING + 10, 1.2)) == MAX_WAITING
    assert pinger.heard[-1][0] - began_s >= 0.05 * MAX_WAITING - 0.01
    faults.set(SICK, Fault(reordering=0.5))
    assert len(await pinger.ping(20, 0.05)) < 20
    await asyncio.sleep(0.3)
    assert len(pinger.heard) == 20


async def test_garbage_is_garbage_and_silence_silence(pinger: Pinger, faults: Faults) -> None:
    (good,) = await pinger.ping(1, 0.1)
    assert rmcp.parse_ping(PING) is not None
    faults.set(SICK, Fault(garbage=1.0))
    assert good not in await pinger.ping(50, 0.1)
    faults.set(SICK, Fault(dead=True))
    assert await pinger.ping(50, 0.1) == []


async def test_restarts_come_at_their_time_and_are_silent_for_theirs(
    pinger: Pinger, faults: Faults
) -> None:
    faults.restart(SICK, down_s=0.3)
    assert await pinger.ping(5, 0.1) == []
    await asyncio.sleep(0.3)
    assert len(await pinger.ping(5, 0.1)) == 5
    faults.set(SICK, Fault(restart_every_s=0.4, down_s=0.2))
    heard = [len(await pinger.ping(1, 0.05)) for _ in range(32)]
    assert 4 < sum(heard) < 28  # about half of the time
    state = faults.state(socket.inet_aton(SICK))
    assert state is not None
    assert state.restarts >= 4


async def test_http_is_late_garbage_silent_or_broken_off(
    machines: dict[str, SimulatedMachine], faults: Faults, tmp_path: Path
) -> None:
    port = free_port()
    files, _ = write_files(tmp_path, [SICK])
    server = RedfishServer(machines, port, *files, faults)
    await server.start()
    async with httpx.AsyncClient(verify=False, timeout=0.5) as client:
        url = f"https://{SICK}:{port}/redfish/v1"
        good = await client.get(url)
        faults.set(SICK, Fault(latency_s=0.2))
        began_s = time.monotonic()
        assert (await client.get(url)).json() == good.json()
        assert time.monotonic() - began_s >= 0.19
        faults.set(SICK, Fault(garbage=1.0))
        for _ in range(10):
            spoilt = await client.get(url)
            assert spoilt.content != good.content
        faults.set(SICK, Fault(dead=True))
        with pytest.raises(httpx.ReadTimeout):  # on the connection that is open
            await client.get(url)
        with pytest.raises(httpx.ConnectTimeout):  # on a new one: TLS is not answered
            await client.get(url)
        assert (await client.get(f"https://{WELL}:{port}/redfish/v1")).status_code == 200
        faults.clear(SICK)
        assert (await client.get(url)).json() == good.json()
        faults.restart(SICK)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.get(url)
        assert (await client.get(url)).json() == good.json()
    await server.close()
