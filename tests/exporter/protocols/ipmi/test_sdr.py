"""Sensor data records and DCMI answers, as pure bytes; ipmitool agrees in the tests of targets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi import dcmi, sdr
from rackwatt_exporter.reading import ReadError, Reason, Statistics
from tests.exporter.protocols.ipmi import sdr_oracle
from tests.peers.ipmi_sim import SimSensor


def parsed(sensor: SimSensor) -> sdr.Sensor:
    found = sdr.parse_record(sensor.record(9))
    assert found is not None
    return found


@given(
    m=st.integers(-512, 511),
    b=st.integers(-512, 511),
    exponents=st.tuples(st.integers(-8, 7), st.integers(-8, 7)),
    raw=st.integers(0, 255),
)
def test_a_linear_sensor_is_converted_by_its_formula(
    m: int, b: int, exponents: tuple[int, int], raw: int
) -> None:
    sensor = parsed(SimSensor("P", m=m, b=b, exponents=exponents))
    value = (m * raw + b * 10.0 ** exponents[0]) * 10.0 ** exponents[1]
    assert sensor.value(raw) == pytest.approx(value)


@given(
    head=st.binary(min_size=8, max_size=8),
    units=st.sampled_from([0, 0x40, 0x80, 0xC0, 0x01, 0x18]),
    linearization=st.integers(0, 13) | st.integers(0x6F, 0x7F),
    given_factors=st.binary(min_size=6, max_size=6),
    own_factors=st.binary(min_size=6, max_size=6),
    raw=st.integers(0, 255),
)
def test_every_conversion_is_that_of_a_second_computation(
    head: bytes, units: int, linearization: int, given_factors: bytes, own_factors: bytes, raw: int
) -> None:
    record = bytearray(SimSensor("P").record(1))
    record[5:8], record[20], record[23] = head[5:8], units, linearization
    record[24:30] = given_factors
    sensor = sdr.parse_record(bytes(record))
    assert sensor is not None
    own = own_factors if sensor.non_linear else None
    expected = sdr_oracle.value(bytes(record), raw, own)
    try:
        value = sensor.value(raw, sdr.Factors.parse(own) if own else None)
    except ReadError as error:
        assert error.reason is Reason.SENSOR_UNREADABLE
        assert expected is None or abs(expected) > 1e307
    else:
        assert expected is not None
        assert value == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


def test_a_difference_that_is_nothing_is_no_number_of_watts() -> None:
    """7 x 1 - 70 x 0.1 is 0, and has no reciprocal: in floats it had one of -1e15."""
    sensor = parsed(SimSensor("P", m=7, b=-70, exponents=(-1, 0)))
    assert sensor.value(1) == 0
    with pytest.raises(ReadError):
        parsed(SimSensor("P", m=7, b=-70, exponents=(-1, 0), linearization=7)).value(1)


@pytest.mark.parametrize(
    ("analog_format", "raw", "whole"),
    [(0, 0xFF, 255), (1, 0xFF, 0), (1, 0xFE, -1), (1, 0x7F, 127), (2, 0xFF, -1), (2, 0x80, -128)],
)
def test_raw_readings_have_three_formats(analog_format: int, raw: int, whole: int) -> None:
    assert parsed(SimSensor("P", analog_format=analog_format)).value(raw) == whole


@pytest.mark.parametrize(
    ("linearization", "raw", "value"),
    [
        (1, 20, math.log(20)),
        (2, 100, 2.0),
        (3, 8, 3.0),
        (4, 2, math.e**2),
        (5, 2, 100.0),
        (6, 5, 32.0),
        (7, 4, 0.25),
        (8, 9, 81.0),
        (9, 3, 27.0),
        (10, 81, 9.0),
        (11, 27, 3.0),
    ],
)
def test_every_linearization_is_known(linearization: int, raw: int, value: float) -> None:
    sensor = parsed(SimSensor("P", linearization=linearization))
    assert sensor.value(raw) == pytest.approx(value)


def test_a_non_linear_sensor_takes_the_factors_of_its_reading() -> None:
    sensor = parsed(SimSensor("P", m=1, linearization=0x70))
    assert sensor.non_linear
    assert sensor.value(10, sdr.Factors(m=3, b=2, b_exponent=1, result_exponent=0)) == 50


@given(linearization=st.integers(0, 127), raw=st.integers(0, 255), m=st.integers(-512, 511))
def test_a_value_is_finite_or_unreadable(linearization: int, raw: int, m: int) -> None:
    sensor = parsed(SimSensor("P", m=m, linearization=linearization, exponents=(7, 7)))
    try:
        assert math.isfinite(sensor.value(raw))
    except ReadError as error:
        assert error.reason is Reason.SENSOR_UNREADABLE


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b"\xc8PSU1 PIN", "PSU1 PIN"),
        (b"\xc3P\xe9 ", "Pé"),
        (b"\x83\x29\xdc\xa6", "IPMI"),  # the example of section 43.15
        (b"\x42\x12\xab", "12 -"),
        (b"\x04P\x001\x00", "P1"),
        (b"\xc0", ""),
        (b"\xc3PS", None),
        (b"", None),
    ],
)
def test_names_are_read_in_their_four_encodings(field: bytes, name: str | None) -> None:
    assert sdr.parse_name(field) == name


@pytest.mark.parametrize(
    ("change", "unit"),
    [
        ({21: 6}, "W"),
        ({21: 4}, "V"),
        ({21: 6, 20: 1}, "%"),
        ({21: 6, 20: 2, 22: 4}, "W with a modifier"),
        ({21: 6, 20: 0xC0}, "no analog value"),
        ({21: 7, 20: 3 << 3}, "J with a modifier"),
        ({21: 200}, "unit 200"),
    ],
)
def test_only_watts_are_watts(change: dict[int, int], unit: str) -> None:
    record = bytearray(SimSensor("P").record(1))
    for at, value in change.items():
        record[at] = value
    sensor = sdr.parse_record(bytes(record))
    assert sensor is not None
    assert sensor.unit == unit
    joules_per_second = unit == "J with a modifier"
    assert sensor.in_watts == (unit == "W" or joules_per_second)


@given(record=st.binary(max_size=80), cut=st.integers(0, 60))
def test_no_garbage_of_a_record_raises(record: bytes, cut: int) -> None:
    sdr.parse_record(record)
    sdr.parse_record(b"\x01\x00\x51\x01" + record)
    assert sdr.parse_record(SimSensor("PSU1 PIN").record(1)[:-1][:cut]) is None


@given(st.integers(0, 65535), st.booleans(), st.tuples(*[st.integers(1, 65534)] * 3))
def test_a_dcmi_reading_survives_the_wire(
    watts: int, measuring: bool, kept: tuple[int, int, int]
) -> None:
    reading = dcmi.PowerReading(watts, measuring, Statistics(*kept, window_s=1.5))
    assert dcmi.parse_power_reading(dcmi.encode_power_reading(reading, 0)) == reading


@given(st.binary(max_size=30))
def test_a_garbled_dcmi_answer_is_a_bad_reply_or_a_reading(data: bytes) -> None:
    try:
        reading = dcmi.parse_power_reading(data)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert len(data) >= 18
        assert reading.watts == data[1] + 256 * data[2]
        assert reading.measuring == bool(data[17] & 0x40)


def test_a_statistic_that_the_bmc_did_not_keep_is_none() -> None:
    kept = Statistics(0xFFFF, None, 0xFFFF, window_s=1)
    answer = dcmi.encode_power_reading(dcmi.PowerReading(300, True, kept), 0)
    assert dcmi.parse_power_reading(answer).statistics == Statistics(window_s=1)


def test_a_record_says_which_entity_a_sensor_is_of_and_what_no_other_sensor_has() -> None:
    sensor = parsed(SimSensor("P"))
    assert (sensor.entity, sensor.identity) == ((10, 9), (0x20, 0, 9))


def compact(name: str, count: int, letters: bool, offset: int) -> bytes:
    sharing = bytes((count | letters << 4, offset))
    body = bytes((0x20, 0, 1, 10, 1)) + bytes(10) + bytes(3) + sharing + bytes(6)
    body += bytes((0xC0 | len(name),)) + name.encode()
    return bytes((1, 0, 0x51, 2, len(body))) + body


@pytest.mark.parametrize(
    ("record", "names"),
    [
        (compact("Presence", 0, False, 1), ["Presence"]),
        (compact("Presence", 1, False, 1), ["Presence"]),
        (compact("PSU ", 3, False, 1), ["PSU1", "PSU2", "PSU3"]),
        (compact("PSU", 2, True, 25), ["PSUZ", "PSUAA"]),
        (compact("PSU", 2, False, 1)[:-1], []),
        (SimSensor("PSU1 PIN").record(1), []),
        (b"", []),
    ],
)
def test_a_compact_record_has_the_names_of_all_that_share_it(
    record: bytes, names: list[str]
) -> None:
    assert sdr.parse_compact_names(record) == names
    assert sdr.parse_record(record) is None or not names


@given(st.binary(max_size=60))
def test_no_garbage_of_a_compact_record_raises(record: bytes) -> None:
    assert all(sdr.parse_compact_names(b"\x01\x00\x51\x02" + record))
