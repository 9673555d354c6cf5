"""What ipmitool prints: real output, and garbage of every kind."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmitool import (
    SensorLine,
    completion_code,
    parse_power_reading,
    parse_sensors,
    sum_watts,
)
from rackwatt_exporter.reading import ReadError, Reason, Statistics

# ipmitool 1.8.19 against ipmi_sim.
POWER_READING = b"""
    Instantaneous power reading:                   344 Watts
    Minimum during sampling period:                341 Watts
    Maximum during sampling period:                349 Watts
    Average power reading over sample period:      345 Watts
    IPMI timestamp:                           11/21/26 11:30:48 UTC    Sampling period:                          00000001 Seconds.
    Power reading state is:                   activated


"""
SENSORS = b"""PSU1 PIN,344,Watts,ok
PSU2 PIN,320.50,Watts,ok
Temp,40,degrees C,ok
Gone,,,ns
odd , name,30,Watts,ok
"""


def test_a_power_reading_has_watts_and_statistics() -> None:
    power = parse_power_reading(POWER_READING)
    assert power.watts == 344
    assert power.measuring
    assert power.statistics == Statistics(345, 341, 349, 1)


def test_a_deactivated_reading_is_not_measuring() -> None:
    assert not parse_power_reading(POWER_READING.replace(b"activated", b"deactivated")).measuring


@pytest.mark.parametrize("cut", range(0, len(POWER_READING), 7))
def test_a_power_reading_cut_short_is_a_bad_reply_or_the_same_watts(cut: int) -> None:
    try:
        assert parse_power_reading(POWER_READING[:cut]).watts == 344
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY


def test_a_figure_is_never_taken_from_another_line() -> None:
    """Found by fuzzing: what stood between the words was lost, and the next figure taken."""
    with pytest.raises(ReadError):
        parse_power_reading(POWER_READING.replace(b"ng:                   344", b"ng 344"))
    with pytest.raises(ReadError):
        parse_power_reading(POWER_READING.replace(b"Instantaneous power reading:", b"\n:"))


@given(st.binary())
def test_garbage_is_a_bad_reply(output: bytes) -> None:
    with pytest.raises(ReadError) as told:
        parse_power_reading(output)
    assert told.value.reason is Reason.BAD_REPLY


def test_sensors_are_read_by_name_whatever_the_name_holds() -> None:
    sensors = parse_sensors(SENSORS)
    assert sensors[3] == SensorLine("Gone", None, "")
    assert sum_watts(sensors, ["PSU1 PIN", "PSU2 PIN", "odd , name"]) == 694.5


def test_two_sensors_of_one_name_are_both_summed() -> None:
    assert sum_watts(parse_sensors(b"PIN,100,Watts,ok\nPIN,150,Watts,ok\n"), ["PIN"]) == 250


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Nope", Reason.NO_POWER_SENSOR),
        ("Temp", Reason.NO_POWER_SENSOR),
        ("Gone", Reason.SENSOR_UNREADABLE),
    ],
)
def test_one_sensor_without_watts_spoils_the_sum(name: str, reason: Reason) -> None:
    with pytest.raises(ReadError, match=name) as told:
        sum_watts(parse_sensors(SENSORS), ["PSU1 PIN", name])
    assert told.value.reason is reason


@pytest.mark.parametrize(
    "field", ["na", "", "nan", "inf", "-inf", "-3", "0x1f", "1 2", "1_0", "1e3", "9" * 400]
)
def test_a_value_that_is_no_number_of_watts_is_unreadable(field: str) -> None:
    with pytest.raises(ReadError) as told:
        sum_watts(parse_sensors(f"PIN,{field},Watts,ok\n".encode()), ["PIN"])
    assert told.value.reason is Reason.SENSOR_UNREADABLE


def test_a_decimal_comma_never_makes_another_number() -> None:
    with pytest.raises(ReadError):
        sum_watts(parse_sensors(b"PIN,1,500,Watts,ok\n"), ["PIN"])


NAMES = st.text(string.printable.replace("\n", ""), min_size=1, max_size=16).map(str)


@given(st.dictionaries(NAMES, st.integers(1, 5000), min_size=1))
def test_what_is_printed_is_what_is_summed(values: dict[str, int]) -> None:
    output = "".join(f"{name},{watts},Watts,ok\n" for name, watts in values.items())
    assert sum_watts(parse_sensors(output.encode()), list(values)) == sum(values.values())


@given(st.binary(), st.lists(st.text(max_size=8), min_size=1))
def test_garbage_sums_to_an_error(output: bytes, names: list[str]) -> None:
    try:
        assert sum_watts(parse_sensors(output), names) > 0
    except ReadError as error:
        assert error.reason in {Reason.NO_POWER_SENSOR, Reason.SENSOR_UNREADABLE}


def test_the_completion_code_is_found_where_there_is_one() -> None:
    assert completion_code("\n    DCMI request failed because: Invalid command (c1)\n") == 0xC1
    assert completion_code("Could not open device at /dev/ipmi0") is None


def test_a_sensor_named_twice_counts_once() -> None:
    assert sum_watts(parse_sensors(SENSORS), ["PSU1 PIN", "PSU1 PIN"]) == 344
