"""The simulated SNMP agents, as net-snmp, pysnmp and our own source see them."""

import asyncio
import random
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter import ber
from rackwatt_exporter.config.options import OidOptions, SnmpOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.snmp.agent import SimulatedAgent, SnmpServer
from rackwatt_exporter.simulator.snmp.tree import OUTLETS
from rackwatt_exporter.targets.snmp.source import SnmpDriver
from tests.eventually import PATIENCE_S
from tests.peers.ports import free_port
from tests.peers.pysnmp_client import pysnmp_get
from tests.peers.snmpd import client

LOOPS = ("attended",)

DEVICE_POWER = "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1"
OUTLET_POWER = "1.3.6.1.4.1.318.1.1.26.9.4.3.1.7"
SYSTEM = "1.3.6.1.2.1.1"
END_OF_TREE = "No more variables left"
FIRST = SimulatedMachine("pdu1", "127.83.0.1", idle_watts=3000.0, peak_watts=3000.0)
SECOND = SimulatedMachine("pdu2", "127.83.0.2", idle_watts=1234.0, peak_watts=1234.0)
LOGIN = FIRST.login
V2C = ("-v2c", "-c", LOGIN.community)


def v3(auth: str = "SHA-256", level: str = "authPriv", **other: str) -> list[str]:
    words = {
        "-u": LOGIN.username,
        "-l": level,
        "-a": auth,
        "-A": LOGIN.auth_password,
        "-x": "AES",
        "-X": LOGIN.priv_password,
    }
    words |= {f"-{name}": value for name, value in other.items()}
    return ["-v3", *(part for pair in words.items() for part in pair)]


@pytest.fixture
async def port() -> AsyncIterator[int]:
    free = free_port()
    server = SnmpServer({FIRST.address: FIRST, SECOND.address: SECOND}, free)
    await server.start()
    yield free
    await server.close()


Ask = Callable[..., Awaitable[str]]


@pytest.fixture
def ask(port: int) -> Ask:
    async def run(
        name: str, login: Sequence[str], *words: str, machine: SimulatedMachine = FIRST
    ) -> str:
        return await asyncio.to_thread(client, name, login, f"{machine.address}:{port}", words)

    return run


@pytest.mark.parametrize(
    "login",
    [
        ("-v1", "-c", LOGIN.community),
        V2C,
        *(v3(auth) for auth in ("SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")),
        v3(level="authNoPriv"),
    ],
    ids=" ".join,
)
async def test_net_snmp_reads_each_agent_at_its_own_address(ask: Ask, login: list[str]) -> None:
    assert await ask("snmpget", login, DEVICE_POWER) == "300"
    assert await ask("snmpget", login, DEVICE_POWER, machine=SECOND) == "123"
    assert await ask("snmpget", login, f"{SYSTEM}.5.0", machine=SECOND) == SECOND.name


@pytest.mark.parametrize("login", [("-v1", "-c", LOGIN.community), V2C, v3()], ids=" ".join)
async def test_snmpwalk_finds_the_outlets_and_their_sum(ask: Ask, login: list[str]) -> None:
    found = await ask("snmpwalk", login, OUTLET_POWER, machine=SECOND)
    outlets = [line for line in found.splitlines() if line.isdigit()]
    assert len(outlets) == OUTLETS
    assert sum(map(int, outlets)) == 1234


@pytest.mark.parametrize("login", [V2C, v3()], ids=" ".join)
async def test_snmpbulkwalk_finds_everything_once(ask: Ask, login: list[str]) -> None:
    for repetitions in ("1", "3", "50"):
        found = await ask("snmpbulkwalk", [*login, f"-Cr{repetitions}"], "1.3.6.1")
        *lines, last = found.splitlines()
        assert len(lines) == 3 + 1 + OUTLETS
        assert END_OF_TREE in last


async def test_what_is_not_there_is_said_to_be_missing(ask: Ask) -> None:
    assert "No Such Instance" in await ask("snmpget", V2C, f"{SYSTEM}.99.0")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        await ask("snmpget", ("-v1", "-c", LOGIN.community), f"{SYSTEM}.99.0")
    assert "noSuchName" in caught.value.stderr


async def test_nothing_can_be_set(ask: Ask) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        await ask("snmpset", V2C, f"{SYSTEM}.5.0", "s", "mine")
    assert "notWritable" in caught.value.stderr


@pytest.mark.parametrize(
    ("login", "said"),
    [
        (("-v2c", "-c", "wrong"), "Timeout"),
        (v3(u="nobody"), "Unknown user name"),
        (v3(A="wrong-password"), "Authentication failure"),
        (v3(X="wrong-password"), "Timeout"),
        (v3(level="noAuthNoPriv"), "Unsupported security level"),
    ],
    ids=["community", "user", "authentication", "privacy", "level"],
)
async def test_who_may_not_is_kept_out(ask: Ask, login: list[str], said: str) -> None:
    impatience = ("-r", "0", "-t", "0.3") if said == "Timeout" else ()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        await ask("snmpget", [*login, *impatience], DEVICE_POWER)
    assert said in caught.value.stderr


@pytest.mark.parametrize("version", ["1", "2c", "3"])
async def test_pysnmp_reads_it(port: int, version: str) -> None:
    request = {
        "host": FIRST.address,
        "port": port,
        "version": version,
        "community": LOGIN.community,
        "user": LOGIN.username,
        "auth_password": LOGIN.auth_password,
        "priv_password": LOGIN.priv_password,
        "oids": [DEVICE_POWER, f"{SYSTEM}.5.0"],
    }
    assert await pysnmp_get(request) == {DEVICE_POWER: "300", f"{SYSTEM}.5.0": FIRST.name}


@pytest.mark.parametrize("version", ["1", "2c", "3"])
async def test_our_own_source_reads_it(
    port: int, tmp_path: Path, version: Literal["1", "2c", "3"]
) -> None:
    directory = tmp_path / "pdu"
    directory.mkdir()
    (directory / "community").write_text(LOGIN.community)
    (directory / "username").write_text(LOGIN.username)
    (directory / "authPassword").write_text(LOGIN.auth_password)
    (directory / "privPassword").write_text(LOGIN.priv_password)
    oids = (OidOptions(DEVICE_POWER, scale=10),)
    options = SnmpOptions(port=port, version=version, oids=oids)
    target = Target("pdu1", FIRST.address, "snmp", options, "lab", credentials="pdu")
    source = SnmpDriver(Secrets(tmp_path)).source(target)
    for _ in range(3):
        assert (await source.read()).watts == 3000
    await source.close()


async def test_uptime_goes_on(ask: Ask) -> None:
    first = await ask("snmpget", [*V2C, "-Ot"], f"{SYSTEM}.3.0")
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if int(await ask("snmpget", [*V2C, "-Ot"], f"{SYSTEM}.3.0")) > int(first):
            return
    pytest.fail("it does not change")


@given(st.binary(max_size=300))
def test_garbage_is_met_with_silence(data: bytes) -> None:
    assert SimulatedAgent(FIRST).answer(data) is None


def test_no_spoilt_request_breaks_it() -> None:
    agent = SimulatedAgent(FIRST)
    variable = ber.sequence(ber.oid((1, 3, 6, 1)), ber.encoded(ber.NULL, b""))
    head = [ber.integer(number) for number in (7, 1, 5)]
    pdu = ber.sequence(*head, ber.sequence(variable, variable), tag=0xA5)
    request = ber.sequence(ber.integer(1), ber.octets(LOGIN.community.encode()), pdu)
    assert agent.answer(request) is not None
    dice = random.Random(7)
    for _ in range(5000):
        spoilt = bytearray(request)
        for _ in range(dice.randint(1, 4)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        agent.answer(bytes(spoilt[: dice.randint(1, len(spoilt))]))
        agent.answer(bytes(spoilt))
