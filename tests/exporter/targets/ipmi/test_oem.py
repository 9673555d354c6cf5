"""`oem: true`: pyghmi in its worker process, against ipmi_sim, with ipmitool as the oracle."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rackwatt_exporter.protocols.ipmi import dcmi
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.completion_codes import meaning
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.simulator.ipmi.bmc import SimulatedBmc
from rackwatt_exporter.simulator.ipmi.commands import IpmiCommands
from rackwatt_exporter.simulator.loopback_udp import LoopbackServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.targets.base import Source
from rackwatt_exporter.targets.ipmi import oem as ipmi_oem
from tests.eventually import PATIENCE_S
from tests.exporter.targets.ipmi.driven import Driven, driven
from tests.peers.ipmi_sim import PASSWORD, USERNAME, Bmc, SimSensor, ipmi_sim
from tests.peers.ipmi_tools import Asker
from tests.peers.ports import free_port

SENSORS = (
    SimSensor("PSU1 PIN", 43, m=8),
    SimSensor("PSU2 PIN", 31, m=8),
    SimSensor("12V", 120, unit=4),
    SimSensor("Not scanned", 40, scanning=False),
    SimSensor("PSU Input", 43, m=8),
    SimSensor("PSU Input", 31, m=8),
    SimSensor("Elsewhere PIN", 31, m=8, owner=0x2C, number=1),
)


@pytest.fixture(scope="module")
def bmc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bmc]:
    with ipmi_sim(tmp_path_factory.mktemp("ipmi_sim"), [SENSORS]) as running:
        yield running.bmcs[0]


class SilenceError(Exception):
    """What a command has in place of a response."""


class WithoutDcmi(IpmiCommands):
    """The commands of a BMC that does not respond to DCMI; `unheard` counts it."""

    unheard = 0

    def answer(self, request: message.IpmiRequest) -> bytes:
        if (request.netfn, request.command) == dcmi.GET_POWER_READING:
            self.unheard += 1
            raise SilenceError
        return super().answer(request)


class SilentToDcmi(SimulatedBmc):
    """A BMC that responds to all but DCMI."""

    def answer(self, data: bytes) -> bytes | None:
        with suppress(SilenceError):
            return super().answer(data)
        return None


class OfNec(WithoutDcmi):
    """The commands of a BMC of NEC, whose own one for watts responds with `said`."""

    def __init__(self, machine: SimulatedMachine, said: bytes) -> None:
        super().__init__(machine)
        self.said = said

    def answer(self, request: message.IpmiRequest) -> bytes:
        if (request.netfn, request.command) == (0x3E, 0x0B):
            return self.said
        if (request.netfn, request.command) == (message.NETFN_APP, 0x01):
            return bytes.fromhex("00 20 01 01 00 02 83 77 00 00 00 00 00 00 00 00")
        return super().answer(request)


MACHINE = SimulatedMachine("n1", "127.77.1.1", phase=0)


@asynccontextmanager
async def served(commands: IpmiCommands) -> AsyncIterator[SimpleNamespace]:
    device = SilentToDcmi(MACHINE, commands)
    server = LoopbackServer({MACHINE.address: device}, port := free_port())
    await server.start()
    try:
        yield SimpleNamespace(address=MACHINE.address, port=port)
    finally:
        await server.close()


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Driven]:
    async with driven(tmp_path) as made:
        yield made


def oem(made: Driven, end: Any, credentials: str = "bmc", **options: Any) -> Any:
    return made.source(end, credentials, oem=True, **options)


async def reason_of(source: Source) -> tuple[Reason, str]:
    with pytest.raises(ReadError) as caught:
        await source.read()
    assert PASSWORD not in str(caught.value)
    return caught.value.reason, str(caught.value)


def workers() -> list[int]:
    """Find the worker processes that this process has started."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if ipmi_oem.WORKER.encode() in command and parent == os.getpid():
            found.append(int(pid))
    return found


async def test_pyghmi_and_ipmitool_read_the_same_watts(bmc: Bmc, made: Driven) -> None:
    source = oem(made, bmc)
    for watts in (417, 618):
        bmc.set_power(watts)
        reading = await source.read()
        assert (reading.watts, reading.source) == (watts, "dcmi")
        assert reading.statistics.average_watts == watts + 1
        ask = Asker(bmc.address, bmc.port, USERNAME, PASSWORD)
        assert await asyncio.to_thread(ask.ipmitool_watts) == watts


async def test_named_sensors_are_summed(bmc: Bmc, made: Driven) -> None:
    reading = await oem(made, bmc, sensors=("PSU1 PIN", "PSU2 PIN")).read()
    assert reading.watts == 344 + 248
    assert reading.source == "sensor:PSU1 PIN+PSU2 PIN"


async def test_namesakes_are_summed(bmc: Bmc, made: Driven) -> None:
    assert (await oem(made, bmc, sensors=("PSU Input",)).read()).watts == 344 + 248


@pytest.mark.parametrize("code", [0xC0, 0xC1, 0xC3, 0xD3, 0xFF])
async def test_a_completion_code_is_reported_as_without_oem(
    bmc: Bmc, made: Driven, code: int
) -> None:
    bmc.set_power(0, code=code)
    for source in (oem(made, bmc), made.source(bmc)):
        with pytest.raises(ReadError, match=rf"code {code:02X}h") as caught:
            await source.read()
        kind, words = meaning(code)
        assert words in str(caught.value)
        assert caught.value.remedy == kind.value
    bmc.set_power(0, code=code, chassis_on=False)
    assert (await reason_of(oem(made, bmc)))[0] is Reason.POWERED_OFF
    bmc.set_power(0xFFFF)
    assert (await reason_of(oem(made, bmc)))[0] is Reason.SENSOR_UNREADABLE


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("PSU3 PIN", Reason.NO_POWER_SENSOR),
        ("12V", Reason.NO_POWER_SENSOR),
        ("Not scanned", Reason.SENSOR_UNREADABLE),
        (
            "Elsewhere PIN",
            Reason.SENSOR_UNREADABLE,
        ),  # else the BMC's own sensor 1 would count twice
    ],
)
async def test_a_sensor_without_watts_says_why(
    bmc: Bmc, made: Driven, name: str, reason: Reason
) -> None:
    found, text = await reason_of(oem(made, bmc, sensors=("PSU1 PIN", name)))
    assert found is reason
    assert name in text


async def test_a_bmc_silent_to_dcmi_alone_is_sent_it_in_one_session_alone(
    made: Driven,
) -> None:
    commands = WithoutDcmi(MACHINE)
    async with served(commands) as bmc:
        source = oem(made, bmc, "simulated", privilege="user")
        reason, said = await reason_of(source)
        assert (reason, "name ipmi.sensors" in said) == (Reason.TIMEOUT, True)
        sent = commands.unheard
        assert 1 <= sent <= 4  # more would take so long that the worker of 64 targets is killed
        assert await reason_of(source) == (reason, said)
        assert commands.unheard == sent
        named = oem(made, bmc, "simulated", privilege="user", sensors=("PSU1 PIN",))
        assert (await named.read()).watts > 0


async def test_a_bmc_of_nec_is_read_by_its_own_command(made: Driven) -> None:
    commands = OfNec(MACHINE, bytes.fromhex("00 4c 00"))  # the example of NEC's guides
    async with served(commands) as bmc:
        source = oem(made, bmc, "simulated", privilege="user")
        reading = await source.read()
        assert (reading.watts, reading.source) == (76, "oem")
        commands.said = bytes.fromhex("00 2c 01")
        assert (await source.read()).watts == 300
        for said in ("00 00 00", "00 ff ff", "00 4c", "00 4c 00 00", "d4"):
            commands.said = bytes.fromhex(said)
            assert (await reason_of(source))[0] is not Reason.TIMEOUT
        MACHINE.powered_on = False
        assert (await reason_of(source))[0] is Reason.POWERED_OFF
        MACHINE.powered_on = True


@pytest.mark.parametrize("lacking", ["c1", "cb"])
async def test_a_bmc_of_nec_without_its_own_command_is_is_of_dcmi(
    made: Driven, lacking: str
) -> None:
    class WithDcmi(OfNec):
        def answer(self, request: message.IpmiRequest) -> bytes:
            is_of_dcmi = (request.netfn, request.command) == dcmi.GET_POWER_READING
            return IpmiCommands.answer(self, request) if is_of_dcmi else super().answer(request)

    async with served(WithDcmi(MACHINE, bytes.fromhex(lacking))) as bmc:
        reading = await oem(made, bmc, "simulated", privilege="user").read()
        assert (reading.watts > 0, reading.source) == (True, "dcmi")


async def test_the_state_of_dcmi_counts_here_too(bmc: Bmc, made: Driven) -> None:
    source = oem(made, bmc)
    bmc.set_power(300, state=0)
    assert (await reason_of(source))[0] is Reason.NO_POWER_SENSOR
    bmc.set_power(0, 0, chassis_on=False)
    assert (await reason_of(source))[0] is Reason.POWERED_OFF
    bmc.set_power(0, code=0xC1)
    assert (await reason_of(source))[0] is Reason.NO_POWER_SENSOR
    bmc.set_power(301)
    assert (await source.read()).watts == 301


async def test_watts_that_a_bmc_repeats_of_a_machine_that_is_off_are_no_reading(
    bmc: Bmc, made: Driven
) -> None:
    source = oem(made, bmc)
    bmc.set_power(300)
    assert (await source.read()).watts == 300
    bmc.set_power(300, chassis_on=False)
    assert (await reason_of(source))[0] is Reason.POWERED_OFF
    bmc.set_power(301)
    assert (await source.read()).watts == 301


@pytest.mark.parametrize("account", ["wrong", "stranger", "long"])
async def test_bad_credentials_are_auth_failed(bmc: Bmc, made: Driven, account: str) -> None:
    assert (await reason_of(oem(made, bmc, account)))[0] is Reason.AUTH_FAILED


async def test_a_name_that_does_not_resolve_says_so(made: Driven) -> None:
    nowhere = SimpleNamespace(address="bmc.invalid", port=623)
    assert (await reason_of(oem(made, nowhere)))[0] is Reason.NAME_UNRESOLVED


async def test_a_host_that_is_down_at_first_contact_is_read_once_it_is_up(
    tmp_path: Path, made: Driven
) -> None:
    with ipmi_sim(tmp_path / "sim", [SENSORS]) as sim:
        sim.stop()
        source = oem(made, sim.bmcs[0])
        assert (await reason_of(source))[0] is Reason.TIMEOUT
        sim.start()
        assert (await source.read()).watts == 300
        await source.close()


async def test_one_that_is_silent_holds_up_no_other(bmc: Bmc, made: Driven) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        silent = oem(made, SimpleNamespace(address="127.0.0.1", port=deaf.getsockname()[1]))
        living = oem(made, bmc)
        await living.read()
        waiting = asyncio.create_task(silent.read())
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(3):
                assert (await living.read()).watts > 0
        assert not waiting.done()
        waiting.cancel()


async def test_a_cancelled_reading_is_not_requested_twice(bmc: Bmc, made: Driven) -> None:
    source = oem(made, bmc)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):  # before the worker has even started
            await source.read()
    bmc.set_power(333)
    assert (await source.read()).watts == 333
    assert len(workers()) == 1


async def test_a_hung_worker_is_killed_and_replaced(
    bmc: Bmc, made: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = oem(made, bmc)
    await source.read()
    (hung,) = workers()
    os.kill(hung, signal.SIGSTOP)
    monkeypatch.setattr(ipmi_oem, "HUNG_AFTER_S", 0.05)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await source.read()
    bmc.set_power(444)
    assert (await source.read()).watts == 444
    (fresh,) = workers()
    assert fresh != hung


async def test_a_worker_that_dies_is_replaced(bmc: Bmc, made: Driven) -> None:
    bmc.set_power(444)
    source = oem(made, bmc)
    await source.read()
    (pid,) = workers()
    reading = asyncio.create_task(source.read())
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ReadError) as caught:
        await reading
        while True:
            await source.read()
    assert caught.value.reason is Reason.INTERNAL_ERROR
    assert (await source.read()).watts == 444


async def test_the_password_is_in_no_command_line_and_no_environment(
    bmc: Bmc, made: Driven
) -> None:
    await oem(made, bmc).read()
    (pid,) = workers()
    for name in ("cmdline", "environ"):
        assert PASSWORD.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()


async def test_closing_logs_out_and_leaves_no_process(bmc: Bmc, tmp_path: Path) -> None:
    for _ in range(2):
        async with driven(tmp_path) as made:
            sources = [oem(made, bmc) for _ in range(3)]
            await asyncio.gather(*(source.read() for source in sources))
    assert not workers()
