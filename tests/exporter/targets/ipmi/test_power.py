"""What follows from each answer of a BMC: watts, the machine is off, or a reason that fits."""

from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.config.options import IpmiOptions
from rackwatt_exporter.protocols.ipmi.completion_codes import CodeKind, meaning
from rackwatt_exporter.protocols.ipmi.transport import NoResponseError
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.remedies import remedy_of
from rackwatt_exporter.targets.ipmi.power import PowerReader
from tests.exporter.targets.ipmi.scripted_bmc import (
    CHASSIS,
    DCMI,
    E0_UNAVAILABLE,
    GET_SDR,
    OFF,
    ON,
    SENSOR,
    SILENCE,
    STAMP,
    ScriptedBmc,
    raw,
    watts,
)
from tests.peers.ipmi_sim import SimSensor
from tests.virtual_time import run

PIN = SimSensor("PIN", m=4).record(1)
DEFAULT = IpmiOptions()
NAMED = IpmiOptions(sensors=("PIN",))
SENSORS_ALONE = IpmiOptions(sensors=("PIN",), dcmi=False)
CODES = range(1, 256)
SOON = [0xC3, 0xCB, 0xCE, 0xD0, 0xD1, 0xD2, 0xD3, 0xD5, 0xFF, 0x80, 0x05, 0xBF]


def code(value: int) -> bytes:
    return bytes((value,))


def outcome(bmc: ScriptedBmc, options: IpmiOptions = DEFAULT) -> Reading | ReadError:
    """Read once, in a session of its own."""
    return outcomes(bmc, options, 1)[0]


def outcomes(bmc: ScriptedBmc, options: IpmiOptions, times: int) -> list[Reading | ReadError]:
    """Read several times in one session."""

    async def story() -> list[Reading | ReadError]:
        session, meter = bmc.session(), PowerReader(options)
        return [await _outcome(meter.read(session)) for _ in range(times)]

    return run(story())


async def _outcome(reading: Coroutine[Any, Any, Reading]) -> Reading | ReadError:
    try:
        return await reading
    except ReadError as error:
        return error


def reason(found: Reading | ReadError) -> Reason:
    assert isinstance(found, ReadError), found
    return found.reason


def number(found: Reading | ReadError) -> float:
    assert isinstance(found, Reading), found
    return found.watts


@pytest.mark.parametrize("value", CODES)
def test_where_dcmi_says_no_the_named_sensor_is_read(value: int) -> None:
    bmc = ScriptedBmc({DCMI: code(value), SENSOR: raw(90)}, [PIN])
    assert number(outcome(bmc, NAMED)) == 360


@pytest.mark.parametrize("value", CODES)
def test_a_code_is_never_the_failure_of_a_program_and_says_what_it_means(value: int) -> None:
    found = outcome(ScriptedBmc({DCMI: code(value), CHASSIS: ON}))
    kind, words = meaning(value)
    expected = {
        CodeKind.UNSUPPORTED: Reason.NO_POWER_SENSOR,
        CodeKind.PRIVILEGE: Reason.PRIVILEGE_INSUFFICIENT,
    }
    assert isinstance(found, ReadError)
    assert found.reason is expected.get(kind, Reason.SENSOR_UNREADABLE)
    assert words in str(found)
    assert f"{value:02X}h" in str(found)
    assert "ipmi.sensors" in str(found)
    assert found.remedy == kind.value


@pytest.mark.parametrize("value", CODES)
def test_no_code_outlives_a_reading_where_no_sensor_is_named(value: int) -> None:
    bmc = ScriptedBmc({DCMI: [code(value)] * (3 if value == 0xC0 else 1) + [watts(300)]})
    failed, read = outcomes(bmc, DEFAULT, 2)
    assert isinstance(failed, ReadError)
    assert number(read) == 300


@pytest.mark.parametrize("value", SOON)
def test_a_transient_code_is_requested_again_at_the_next_reading(value: int) -> None:
    bmc = ScriptedBmc({DCMI: [code(value), watts(300)], SENSOR: raw(90)}, [PIN])
    assert [number(found) for found in outcomes(bmc, NAMED, 2)] == [360, 300]


@pytest.mark.parametrize("value", [0xC1, 0xC2, 0xC7, 0xCC, 0xD6])
def test_dcmi_is_not_requested_at_every_reading_of_a_bmc_without_it(value: int) -> None:
    bmc = ScriptedBmc({DCMI: code(value), SENSOR: raw(90)}, [PIN])
    assert [number(found) for found in outcomes(bmc, NAMED, 5)] == [360] * 5
    assert bmc.heard[DCMI] == 1


def test_dcmi_is_requested_again_at_once_of_a_bmc_that_had_it() -> None:
    bmc = ScriptedBmc({DCMI: [watts(300), code(0xC1), watts(301)], SENSOR: raw(90)}, [PIN])
    assert [number(found) for found in outcomes(bmc, NAMED, 3)] == [300, 360, 301]


def test_a_busy_bmc_gets_three_requests_and_is_said_to_be_busy() -> None:
    bmc = ScriptedBmc({DCMI: code(0xC0), CHASSIS: ON})
    found = outcome(bmc)
    assert reason(found) is Reason.SENSOR_UNREADABLE
    assert "busy" in str(found)
    assert bmc.heard[DCMI] == 3


@pytest.mark.parametrize("busy", [1, 2])
def test_a_bmc_that_is_busy_for_a_moment_is_read(busy: int) -> None:
    assert number(outcome(ScriptedBmc({DCMI: [code(0xC0)] * busy + [watts(300)]}))) == 300


def test_a_busy_repository_is_walked_on_at_the_next_reading() -> None:
    bmc = ScriptedBmc({GET_SDR: code(0xC0), SENSOR: raw(90), CHASSIS: ON}, [PIN])

    async def story() -> list[Reading | ReadError]:
        session, meter = bmc.session(), PowerReader(SENSORS_ALONE)
        first = await _outcome(meter.read(session))
        del bmc.script[GET_SDR]
        return [first, await _outcome(meter.read(session))]

    failed, read = run(story())
    assert reason(failed) is Reason.SENSOR_UNREADABLE
    assert number(read) == 360


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ({DCMI: code(0xC1)}, DEFAULT),
        ({DCMI: code(0xC0)}, DEFAULT),
        ({DCMI: code(0xCB)}, DEFAULT),
        ({DCMI: code(0xD3)}, DEFAULT),
        ({DCMI: code(0xD4)}, DEFAULT),
        ({DCMI: watts(0)}, DEFAULT),
        ({DCMI: watts(0xFFFF)}, DEFAULT),
        ({DCMI: watts(300, measuring=False)}, DEFAULT),
        ({DCMI: b"\0\xdc\xff"}, DEFAULT),
        ({DCMI: code(0xC1), SENSOR: E0_UNAVAILABLE}, NAMED),
        ({DCMI: code(0xC1), SENSOR: code(0xCB)}, NAMED),
        ({SENSOR: E0_UNAVAILABLE}, SENSORS_ALONE),
        ({SENSOR: code(0xCB)}, SENSORS_ALONE),
        ({SENSOR: raw(0)}, SENSORS_ALONE),
        ({SENSOR: code(0xC0)}, SENSORS_ALONE),
        ({STAMP: code(0xC1)}, SENSORS_ALONE),
        ({}, IpmiOptions(sensors=("another",), dcmi=False)),
    ],
)
def test_a_machine_without_watts_that_is_off_is_powered_off(
    script: dict[tuple[int, ...], bytes], options: IpmiOptions
) -> None:
    assert reason(outcome(ScriptedBmc(script | {CHASSIS: OFF}, [PIN]), options)) is (
        Reason.POWERED_OFF
    )
    for on in (ON, code(0xC1), SILENCE, b"\0"):
        found = outcome(ScriptedBmc(script | {CHASSIS: on}, [PIN]), options)
        assert reason(found) not in (Reason.POWERED_OFF, Reason.TIMEOUT, Reason.COMMAND_FAILED)


def test_silence_after_a_response_to_dcmi_is_not_followed_by_another_request() -> None:
    bmc = ScriptedBmc({DCMI: [watts(300), SILENCE], CHASSIS: [ON, OFF]})
    _, failed = outcomes(bmc, DEFAULT, 2)
    assert isinstance(failed, NoResponseError)
    assert bmc.heard[CHASSIS] == 1


@pytest.mark.parametrize("answer", [ON, code(0xC1), b"\0"])
def test_a_bmc_silent_to_dcmi_alone_is_read_by_its_sensors_without_more_of_dcmi(
    answer: bytes,
) -> None:
    bmc = ScriptedBmc({DCMI: SILENCE, CHASSIS: answer, SENSOR: [raw(90), raw(91)]}, [PIN])
    assert [number(found) for found in outcomes(bmc, NAMED, 3)] == [360, 364, 364]
    assert bmc.heard[DCMI] == 1


@pytest.mark.parametrize("options", [DEFAULT, NAMED])
def test_a_bmc_silent_to_dcmi_alone_is_powered_off_where_it_says_so(options: IpmiOptions) -> None:
    bmc = ScriptedBmc({DCMI: SILENCE, CHASSIS: OFF, SENSOR: raw(90)}, [PIN])
    assert [reason(found) for found in outcomes(bmc, options, 2)] == [Reason.POWERED_OFF] * 2


def test_a_bmc_silent_to_dcmi_alone_has_dcmi_in_its_message_where_no_sensor_is_named() -> None:
    found = outcome(ScriptedBmc({DCMI: SILENCE, CHASSIS: ON}))
    assert reason(found) is Reason.TIMEOUT
    assert not isinstance(found, NoResponseError)  # which would cost a log-in
    assert "ipmi.dcmi: false" in str(found)
    assert isinstance(found, ReadError)
    assert "`ipmi.sensors`" in remedy_of(found, "targets")


def test_a_bmc_silent_to_dcmi_is_requested_it_again_in_the_next_session() -> None:
    bmc = ScriptedBmc({DCMI: [SILENCE, watts(300)], CHASSIS: ON, SENSOR: raw(90)}, [PIN])

    async def story() -> list[Reading | ReadError]:
        meter = PowerReader(NAMED)
        return [await _outcome(meter.read(bmc.session())) for _ in range(2)]

    assert [number(found) for found in run(story())] == [360, 300]


def test_a_bmc_silent_to_all_is_requested_its_state_once_and_needs_a_log_in() -> None:
    bmc = ScriptedBmc({DCMI: SILENCE, CHASSIS: SILENCE, SENSOR: raw(90)}, [PIN])

    async def story() -> Reading | ReadError:
        session = bmc.session()
        session.attempts = 2
        return await _outcome(PowerReader(NAMED).read(session))

    assert isinstance(run(story()), NoResponseError)
    assert (bmc.heard[DCMI], bmc.heard[CHASSIS], bmc.heard[SENSOR]) == (2, 1, 0)


@pytest.mark.parametrize(
    ("script", "options"), [({DCMI: watts(300)}, DEFAULT), ({SENSOR: raw(90)}, SENSORS_ALONE)]
)
def test_watts_of_a_machine_that_is_off_are_no_reading(
    script: dict[tuple[int, ...], bytes], options: IpmiOptions
) -> None:
    off = ScriptedBmc(script | {CHASSIS: OFF}, [PIN])
    assert [reason(found) for found in outcomes(off, options, 3)] == [Reason.POWERED_OFF] * 3
    for unknown in (code(0xC1), SILENCE, b"\0"):
        assert number(outcome(ScriptedBmc(script | {CHASSIS: unknown}, [PIN]), options)) > 0


def test_watts_that_repeat_after_the_machine_went_off_are_no_reading() -> None:
    bmc = ScriptedBmc({DCMI: watts(300), CHASSIS: [ON, OFF]})
    on, off = outcomes(bmc, DEFAULT, 2)
    assert number(on) == 300
    assert reason(off) is Reason.POWERED_OFF


def test_the_power_state_is_read_with_every_tenth_of_watts_that_change() -> None:
    bmc = ScriptedBmc({DCMI: [watts(300 + step) for step in range(20)], CHASSIS: ON})
    assert [number(found) for found in outcomes(bmc, DEFAULT, 20)] == list(range(300, 320))
    assert (bmc.heard[DCMI], bmc.heard[CHASSIS]) == (20, 2)


@pytest.mark.parametrize("answer", [watts(0xFFFF), watts(0), watts(9, measuring=False)])
def test_a_dcmi_answer_without_a_measurement_is_no_reading(answer: bytes) -> None:
    assert isinstance(outcome(ScriptedBmc({DCMI: answer, CHASSIS: ON})), ReadError)
    bmc = ScriptedBmc({DCMI: answer, CHASSIS: ON, SENSOR: raw(90)}, [PIN])
    assert number(outcome(bmc, NAMED)) == 360


@pytest.mark.parametrize(
    ("script", "options", "remedy"),
    [
        ({DCMI: watts(300, measuring=False)}, DEFAULT, "Enable power measurement at the BMC"),
        ({DCMI: watts(0)}, DEFAULT, "Enable power measurement at the BMC"),
        ({}, IpmiOptions(sensors=("PIM",), dcmi=False), "Correct the names in `sensors`"),
    ],
)
def test_the_remedy_of_no_power_sensor_is_that_of_its_cause(
    script: dict[tuple[int, ...], bytes], options: IpmiOptions, remedy: str
) -> None:
    found = outcome(ScriptedBmc(script | {CHASSIS: ON}, [PIN]), options)
    assert reason(found) is Reason.NO_POWER_SENSOR
    assert isinstance(found, ReadError)
    assert remedy in remedy_of(found, "targets")
    assert "oids" not in remedy_of(found, "targets")


@given(st.binary(min_size=1, max_size=24))
def test_any_answer_of_dcmi_is_its_own_watts_or_a_reason(answer: bytes) -> None:
    found = outcome(ScriptedBmc({DCMI: answer, CHASSIS: ON}))
    if isinstance(found, Reading):
        assert answer[:2] == b"\0\xdc"
        assert found.watts == answer[2] + 256 * answer[3]
        assert 0 < found.watts < 0xFFFF


@given(st.binary(min_size=1, max_size=6))
def test_any_answer_of_a_sensor_is_its_own_watts_or_a_reason(answer: bytes) -> None:
    found = outcome(ScriptedBmc({SENSOR: answer, CHASSIS: ON}, [PIN]), SENSORS_ALONE)
    if isinstance(found, Reading):
        assert answer[0] == 0
        assert answer[2] & 0x60 == 0x40
        assert found.watts == 4 * answer[1] > 0
