"""IPMI against ipmi_sim; ipmitool, ipmi-dcmi and pyghmi read the same values from the same BMC."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from rackwatt_exporter.protocols.ipmi.crypto import SUITES
from rackwatt_exporter.protocols.ipmi.handshake import IpmiAccount, RakpHandshake
from rackwatt_exporter.protocols.ipmi.rmcpplus import LEVELS
from rackwatt_exporter.protocols.ipmi.transport import UdpTransport
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.base import Source
from tests.eventually import PATIENCE_S, eventually
from tests.exporter.targets.ipmi.driven import Driven, driven
from tests.peers.ipmi_sim import MEASURING, PASSWORD, USERNAME, Bmc, IpmiSim, SimSensor, ipmi_sim
from tests.peers.ipmi_tools import Asker
from tests.peers.ports import free_port

LOOPS = ("asyncio", "uvloop")

SENSORS = (
    SimSensor("Ambient", 22, unit=1),
    SimSensor("12V", 120, unit=4, m=10, exponents=(0, -2)),
    SimSensor("PSU1 PIN", 43, m=8),
    SimSensor("PSU2 PIN", 31, m=8),
    SimSensor("Offset", 100, m=13, b=-7, exponents=(1, -1)),
    SimSensor("Signed", 20, m=4, analog_format=2),
    SimSensor("Square root", 144, m=100, linearization=10),
    SimSensor("Below zero", 0xF0, m=1, analog_format=2),
    SimSensor("Not scanned", 40, scanning=False),
    SimSensor("Absent", 40, there=False),
)


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IpmiSim]:
    with ipmi_sim(tmp_path_factory.mktemp("ipmi_sim"), [SENSORS]) as running:
        yield running


@pytest.fixture
def bmc(sim: IpmiSim) -> Iterator[Bmc]:
    yield sim.bmcs[0]
    assert sim.alive()
    sim.bmcs[0].set_power(300)


@pytest.fixture
def asker(bmc: Bmc) -> Asker:
    return Asker(bmc.address, bmc.port, USERNAME, PASSWORD)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Driven]:
    async with driven(tmp_path) as made:
        yield made


async def reason_of(source: Source) -> tuple[Reason, str]:
    with pytest.raises(ReadError) as caught:
        await source.read()
    assert PASSWORD not in str(caught.value)
    return caught.value.reason, str(caught.value)


async def test_dcmi_says_what_three_independent_clients_say(
    bmc: Bmc, asker: Asker, made: Driven
) -> None:
    source = made.source(bmc)
    for watts in (417, 1291):
        bmc.set_power(watts)
        reading = await source.read()
        assert reading.watts == watts
        assert reading.watts == asker.ipmitool_watts() == asker.freeipmi_watts()
        assert reading.watts == asker.pyghmi()["watts"]
        assert reading.source == "dcmi"
        kept = reading.statistics
        assert (kept.minimum_watts, kept.maximum_watts) == (watts - 3, watts + 5)
        assert (kept.average_watts, kept.window_s) == (watts + 1, 1.0)


IN_WATTS = {"PSU1 PIN": 344.0, "Offset": 123.0, "Signed": 80.0, "Square root": 120.0}


@pytest.fixture(scope="module")
def read_by_pyghmi(sim: IpmiSim) -> dict[str, tuple[float, str]]:
    """What pyghmi reads of each, once: it is slow."""
    bmc = sim.bmcs[0]
    return Asker(bmc.address, bmc.port, USERNAME, PASSWORD).pyghmi(*IN_WATTS)


@pytest.mark.parametrize(("name", "watts"), IN_WATTS.items())
async def test_a_sensor_reads_what_ipmitool_and_pyghmi_read(
    bmc: Bmc,
    asker: Asker,
    made: Driven,
    read_by_pyghmi: dict[str, tuple[float, str]],
    name: str,
    watts: float,
) -> None:
    reading = await made.source(bmc, dcmi=False, sensors=(name,)).read()
    assert reading.watts == pytest.approx(watts)
    assert asker.ipmitool_sensor(name) == pytest.approx(watts)
    value, unit = read_by_pyghmi[name]
    assert value == pytest.approx(watts, rel=1e-5)
    assert unit == "W"


async def test_named_sensors_are_summed_as_they_change(
    sim: IpmiSim, bmc: Bmc, asker: Asker, made: Driven
) -> None:
    source = made.source(bmc, dcmi=False, sensors=("PSU1 PIN", "PSU2 PIN"))
    assert (await source.read()).watts == 344 + 248
    sim.set_sensor(bmc, "PSU2 PIN", 50)
    async with asyncio.timeout(PATIENCE_S):
        while (reading := await source.read()).watts != 344 + 400:
            await asyncio.sleep(0.01)
    assert reading.source == "sensor:PSU1 PIN+PSU2 PIN"
    assert asker.ipmitool_sensor("PSU2 PIN") == 400
    sim.set_sensor(bmc, "PSU2 PIN", 31)


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("PSU1 PN", Reason.NO_POWER_SENSOR, "nearest: PSU1 PIN"),
        ("Zzz", Reason.NO_POWER_SENSOR, "in watts there are: PSU1 PIN, PSU2 PIN"),
        ("12V", Reason.NO_POWER_SENSOR, "not in watts (V)"),
        ("Ambient", Reason.NO_POWER_SENSOR, "not in watts (°C)"),
        ("Not scanned", Reason.SENSOR_UNREADABLE, "'Not scanned'"),
        ("Absent", Reason.SENSOR_UNREADABLE, "'Absent'"),
        ("Below zero", Reason.SENSOR_UNREADABLE, "is -16"),
    ],
)
async def test_a_sensor_without_watts_says_why(
    bmc: Bmc, made: Driven, name: str, reason: Reason, words: str
) -> None:
    source = made.source(bmc, dcmi=False, sensors=("PSU1 PIN", name))
    for _ in range(2):
        found, text = await reason_of(source)
        assert found is reason
        assert words in text


async def test_a_sensor_that_is_added_later_is_found(tmp_path: Path, made: Driven) -> None:
    with ipmi_sim(
        tmp_path / "sim", [[SimSensor("PSU1 PIN", 43), SimSensor("Fan", unit=18)]]
    ) as sim:
        source = made.source(sim.bmcs[0], dcmi=False, sensors=("PSU1 PIN", "PSU2 PIN"))
        assert (await reason_of(source))[0] is Reason.NO_POWER_SENSOR
        for command in sim.bmcs[0].sensor_commands(3, SimSensor("PSU2 PIN", 7)):
            sim.say(command)
        ask = Asker(sim.bmcs[0].address, sim.bmcs[0].port, USERNAME, PASSWORD)
        await eventually(lambda: "PSU2 PIN" in ask.ipmitool("sdr", "list"))
        assert (await source.read()).watts == 50
        await source.close()


async def test_without_dcmi_the_named_sensors_are_read(bmc: Bmc, made: Driven) -> None:
    bmc.set_power(0, code=0xC1)
    source = made.source(bmc, sensors=("PSU1 PIN",))
    assert (await source.read()).source == "sensor:PSU1 PIN"
    assert (await reason_of(made.source(bmc)))[0] is Reason.NO_POWER_SENSOR


async def test_no_zero_is_ever_a_reading_of_dcmi(bmc: Bmc, asker: Asker, made: Driven) -> None:
    bare, named = made.source(bmc), made.source(bmc, sensors=("PSU1 PIN",))
    for watts, state in ((0, MEASURING), (0, 0), (300, 0)):
        bmc.set_power(watts, state)
        assert (await reason_of(bare))[0] is Reason.NO_POWER_SENSOR
        assert (await named.read()).watts == 344
    bmc.set_power(0, 0, chassis_on=False)
    for source in (bare, named):
        assert (await reason_of(source))[0] is Reason.POWERED_OFF
    assert "is off" in asker.ipmitool("chassis", "power", "status")
    bmc.set_power(250)
    assert (await bare.read()).watts == 250


async def test_watts_that_a_bmc_repeats_of_a_machine_that_is_off_are_no_reading(
    bmc: Bmc, asker: Asker, made: Driven
) -> None:
    source = made.source(bmc)
    assert (await source.read()).watts == 300
    bmc.set_power(300, chassis_on=False)
    assert "is off" in asker.ipmitool("chassis", "power", "status")
    assert asker.ipmitool_watts() == 300
    assert (await reason_of(source))[0] is Reason.POWERED_OFF
    bmc.set_power(300)
    assert (await source.read()).watts == 300


def reads(asker: Asker, watts: float) -> bool:
    return asker.ipmitool_sensor("PSU1 PIN") == watts


async def test_no_zero_is_ever_a_reading_of_sensors(
    bmc: Bmc, sim: IpmiSim, asker: Asker, made: Driven
) -> None:
    named = made.source(bmc, sensors=("PSU1 PIN",))
    bmc.set_power(0)
    usual = next(sensor.raw for sensor in bmc.sensors if sensor.name == "PSU1 PIN")
    for raw, watts in ((0, 0), (usual, 344)):
        sim.set_sensor(bmc, "PSU1 PIN", raw)
        # The console takes its time.
        await eventually(partial(reads, asker, watts))
        if watts:
            assert (await named.read()).watts == watts
            continue
        assert await reason_of(named) == (
            Reason.SENSOR_UNREADABLE,
            "sensor:PSU1 PIN is 0 W, on a machine that runs",
        )
        bmc.set_power(0, chassis_on=False)
        assert (await reason_of(named))[0] is Reason.POWERED_OFF
        bmc.set_power(0)


async def test_a_completion_code_is_reported_with_its_meaning_and_advice(
    bmc: Bmc, made: Driven
) -> None:
    bmc.set_power(0, code=0xC3)
    assert (await made.source(bmc, sensors=("PSU1 PIN",)).read()).watts == 344
    with pytest.raises(ReadError, match=r"timed out .*\(code C3h\).*ipmi\.sensors") as caught:
        await made.source(bmc).read()
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    assert "next reading" in (caught.value.remedy or "")


async def test_a_busy_bmc_keeps_its_session(bmc: Bmc, made: Driven) -> None:
    source = made.source(bmc)
    await source.read()
    session = source._session
    bmc.set_power(300, code=0xC0)
    reason, text = await reason_of(source)
    assert reason is Reason.SENSOR_UNREADABLE
    assert "busy" in text
    bmc.set_power(301)
    assert (await source.read()).watts == 301
    assert source._session is session


async def test_a_wrong_password_is_auth_failed(bmc: Bmc, made: Driven) -> None:
    assert (await reason_of(made.source(bmc, "wrong")))[0] is Reason.AUTH_FAILED


async def test_an_unknown_user_is_auth_failed(bmc: Bmc, made: Driven) -> None:
    assert (await reason_of(made.source(bmc, "stranger")))[0] is Reason.AUTH_FAILED


async def test_a_password_too_long_for_ipmi_says_so(bmc: Bmc, made: Driven) -> None:
    reason, text = await reason_of(made.source(bmc, "long"))
    assert reason is Reason.AUTH_FAILED
    assert "20" in text


async def test_a_missing_secret_names_the_file(bmc: Bmc, made: Driven, tmp_path: Path) -> None:
    reason, text = await reason_of(made.source(bmc, "elsewhere"))
    assert reason is Reason.CREDENTIALS_MISSING
    assert str(tmp_path / "elsewhere" / "username") in text


async def test_a_session_opened_as_user_cannot_be_raised(bmc: Bmc) -> None:
    endpoint = UdpTransport(socket.AF_INET)
    account = IpmiAccount(USERNAME.encode(), PASSWORD.encode())
    session = await RakpHandshake(endpoint, (bmc.address, bmc.port), SUITES[3], PATIENCE_S).open(
        account
    )
    with pytest.raises(ReadError, match="privilege") as caught:
        await session.raise_privilege(LEVELS["admin"])
    assert caught.value.reason is Reason.PRIVILEGE_INSUFFICIENT
    await session.close(PATIENCE_S)
    endpoint.close()


async def test_a_command_beyond_the_privilege_says_so(bmc: Bmc, made: Driven) -> None:
    source = made.source(bmc, "watcher", privilege="user")
    for _ in range(2):
        with pytest.raises(ReadError, match="privilege") as caught:
            await source.read()
        assert caught.value.reason is Reason.PRIVILEGE_INSUFFICIENT
        assert "ipmi.privilege" in (caught.value.remedy or "")
    sensors = made.source(bmc, "watcher", privilege="user", dcmi=False, sensors=("PSU1 PIN",))
    assert (await sensors.read()).watts == 344


async def test_a_pinned_suite_that_is_refused_is_cipher_unsupported(bmc: Bmc, made: Driven) -> None:
    reason, text = await reason_of(made.source(bmc, cipher_suite=17))
    assert reason is Reason.CIPHER_UNSUPPORTED
    assert "17" in text
    assert (await made.source(bmc, cipher_suite=3).read()).watts == 300


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_closed_port_is_refused(bmc: Bmc, made: Driven, address: str) -> None:
    closed = SimpleNamespace(address=address, port=free_port())
    dead, healthy = made.source(closed), made.source(bmc)
    for _ in range(3):
        assert (await reason_of(dead))[0] is Reason.CONNECTION_REFUSED
        assert (await healthy.read()).watts == 300


async def test_many_that_are_refused_do_not_deafen_the_socket(bmc: Bmc, made: Driven) -> None:
    closed = [SimpleNamespace(address=f"127.0.{i}.1", port=9) for i in range(50)]
    dead, healthy = [made.source(end) for end in closed], made.source(bmc)
    for _ in range(20):
        refused, reading = await asyncio.gather(
            asyncio.gather(*map(reason_of, dead)), healthy.read()
        )
        assert reading.watts == 300
        assert {reason for reason, _ in refused} == {Reason.CONNECTION_REFUSED}


async def test_a_name_that_does_not_resolve_says_so(made: Driven) -> None:
    nowhere = SimpleNamespace(address="bmc.invalid", port=623)
    assert (await reason_of(made.source(nowhere)))[0] is Reason.NAME_UNRESOLVED


async def test_silence_is_a_timeout(made: Driven) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        silent = SimpleNamespace(address="127.0.0.1", port=deaf.getsockname()[1])
        source = made.source(silent, timing={"timeout_s": 0.3})
        assert (await reason_of(source))[0] is Reason.TIMEOUT


async def test_sessions_are_closed_at_the_bmc(bmc: Bmc, made: Driven) -> None:
    for _ in range(70):  # the simulator has room for 63 at once, and drops the next in silence
        source = made.source(bmc)
        assert (await source.read()).watts == 300
        await source.close()


async def test_a_hundred_bmcs_of_one_process_are_distinguished(tmp_path: Path) -> None:
    fleet = [(SimSensor("PIN", 10 + i),) for i in range(100)]
    with ipmi_sim(tmp_path / "sim", fleet) as sim:
        for i, bmc in enumerate(sim.bmcs):
            bmc.set_power(100 + i)
        async with driven(tmp_path) as made:
            for start in range(0, 100, 50):  # the process keeps 63 sessions at most
                some = [made.source(bmc) for bmc in sim.bmcs[start : start + 50]]
                for _ in range(3):
                    readings = await asyncio.gather(*(source.read() for source in some))
                    assert [reading.watts for reading in readings] == [
                        100 + start + i for i in range(50)
                    ]
                for source in some:
                    await source.close()
            sensor = made.source(sim.bmcs[99], dcmi=False, sensors=("PIN",))
            assert (await sensor.read()).watts == 109
