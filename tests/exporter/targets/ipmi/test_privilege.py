"""Raising a session's privilege: what a refusal, and what a BMC that is busy, mean for the session."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.simulator.ipmi.bmc import SimulatedBmc
from rackwatt_exporter.simulator.ipmi.commands import IpmiCommands
from rackwatt_exporter.simulator.loopback_udp import LoopbackServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from tests.exporter.targets.ipmi.driven import Driven, driven
from tests.peers.ports import free_port

ADDRESS = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}.1"
SET_PRIVILEGE = (message.NETFN_APP, 0x3B)


class Refusing(IpmiCommands):
    """A BMC that refuses to raise the privilege as long as it has codes for that."""

    codes: tuple[int, ...] = ()

    def answer(self, request: message.IpmiRequest) -> bytes:
        if (request.netfn, request.command) == SET_PRIVILEGE and self.codes:
            code, self.codes = self.codes[0], self.codes[1:]
            return bytes((code,))
        return super().answer(request)


@pytest.fixture
def commands() -> Refusing:
    return Refusing(SimulatedMachine("n1", ADDRESS))


@pytest.fixture
async def end(commands: Refusing) -> AsyncIterator[SimpleNamespace]:
    port = free_port()
    bmc = SimulatedBmc(SimulatedMachine("n1", ADDRESS), commands)
    server = LoopbackServer({ADDRESS: bmc}, port)
    await server.start()
    yield SimpleNamespace(address=ADDRESS, port=port, bmc=bmc)
    await server.close()


@pytest.fixture
async def made(tmp_path: Path, end: SimpleNamespace) -> AsyncIterator[Driven]:
    async with driven(tmp_path) as made:
        yield made


@pytest.mark.parametrize("codes", [(ipmi_codes.NODE_BUSY,) * 3, (0xD2,), (0xFF,), (0xC3,)])
async def test_a_session_that_cannot_be_raised_now_is_kept_and_raised_later(
    end: SimpleNamespace, made: Driven, commands: Refusing, codes: tuple[int, ...]
) -> None:
    commands.codes = codes
    source = made.source(end, "simulated", "admin")
    with pytest.raises(ReadError) as caught:
        await source.read()
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    session = source._session
    assert (await source.read()).watts > 0
    assert source._session is session
    assert end.bmc.sessions == 1


@pytest.mark.parametrize("code", [0x80, 0x81, ipmi_codes.INVALID_FIELD, 0xD4])
async def test_a_session_that_may_not_be_raised_is_dropped(
    end: SimpleNamespace, made: Driven, commands: Refusing, code: int
) -> None:
    commands.codes = (code,)
    source = made.source(end, "simulated", "admin")
    with pytest.raises(ReadError, match="privilege") as caught:
        await source.read()
    assert caught.value.reason is Reason.PRIVILEGE_INSUFFICIENT
    assert not source.session
    assert (await source.read()).watts > 0


async def test_a_session_is_raised_once(
    end: SimpleNamespace, made: Driven, commands: Refusing
) -> None:
    source = made.source(end, "simulated", "operator")
    await source.read()
    commands.codes = (0x80,)
    assert (await source.read()).watts > 0
