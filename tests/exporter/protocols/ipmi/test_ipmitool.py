"""What ipmitool prints: real output, and garbage of every kind."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi.ipmitool import (
    SensorLine,
    completion_code,
    parse_sensors,
    says_powered_off,
    sensors_in_watts,
    sum_watts,
)
from rackwatt_exporter.reading import Members, ReadError, Reason

SENSORS = b"""PSU1 PIN         | 01h | ok  | 10.1 | 344 Watts
PSU2 PIN         | 02h | ok  | 10.2 | 320.50 Watts
Temp             | 03h | ok  |  7.1 | 40 degrees C
Gone             | 04h | ns  | 10.4 | No Reading
Switched off     | 05h | ns  | 10.5 | Disabled
odd | n, e       | 06h | ok  | 10.6 | 30 Watts
Presence         | 07h | ok  | 10.7 | Presence detected
State and watts  | 08h | ok  | 10.8 | 12 Watts, Presence detected
"""


def line(name: str, text: str, number: int = 1, entity: str = "10.1", status: str = "ok") -> bytes:
    return f"{name:16} | {number:02X}h | {status:3} | {entity:>4} | {text}\n".encode()


def total(output: bytes, *names: str) -> float:
    return sum_watts(sensors_in_watts(parse_sensors(output), names))


def test_sensors_are_read_by_name_whatever_the_name_holds() -> None:
    sensors = parse_sensors(SENSORS).sensors
    assert sensors[3] == SensorLine("Gone", "04", "10.4", False, None, "")
    assert total(SENSORS, "PSU1 PIN", "PSU2 PIN", "odd | n, e", "State and watts") == 706.5


def test_two_sensors_of_one_name_are_both_summed() -> None:
    two = line("PIN", "100 Watts", 1, "10.1") + line("PIN", "150 Watts", 2, "10.2")
    assert total(two, "PIN") == 250
    of_one_entity = line("PIN", "100 Watts", 1) + line("PIN", "150 Watts", 2)
    assert total(of_one_entity, "PIN") == 250


DOUBTFUL = ["250 Watts", "200.5 Watts", "0 Watts", "No Reading", ""]


def test_a_line_that_is_listed_twice_counts_once() -> None:
    once = line("PIN", "200 Watts", 0x70)
    assert total(once + once, "PIN") == 200
    assert total(once + line("PIN", "200.0 Watts", 0x70), "PIN") == 200


@pytest.mark.parametrize("entity", ["7.1", "10.1"])
@pytest.mark.parametrize("second", ["PIN", "PSU2 PIN"])
@pytest.mark.parametrize("other", DOUBTFUL)
def test_lines_of_one_number_that_differ_are_a_doubt_also_in_one_entity(
    entity: str, second: str, other: str
) -> None:
    """Two LUNs, or two owners, may have one number: half of the watts was taken for all."""
    first = line("PIN", "200 Watts", 0x70, entity)
    twin = line(second, other, 0x70, entity)
    for output in (first + twin, twin + first, first + first + twin):
        with pytest.raises(ReadError, match="one number several times") as caught:
            total(output, *{"PIN", second})
        assert caught.value.reason is Reason.SENSOR_UNREADABLE
        assert "method: ipmi" in (caught.value.remedy or "")


@pytest.mark.parametrize(("entity", "second"), [("10.1", "10.2"), ("10.96", "10.96")])
@pytest.mark.parametrize("other", ["200 Watts", *DOUBTFUL])
def test_lines_of_one_number_that_may_be_of_two_controllers_are_a_doubt_whatever_they_have(
    entity: str, second: str, other: str
) -> None:
    """Found on a BMC with two controllers: one of two supplies was taken for both."""
    output = line("PIN", "200 Watts", 0x70, entity) + line("PIN", other, 0x70, second)
    with pytest.raises(ReadError, match=r"one number several times: PIN .*number 70h") as caught:
        total(output + line("Another", "5 Watts", 1), "PIN", "Another")
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    assert caught.value.remedy
    assert total(output + line("Another", "5 Watts", 1), "Another") == 5


@pytest.mark.parametrize("watts", [200, 250])
@pytest.mark.parametrize("entity", ["10.1", "10.2"])
def test_two_names_of_one_number_are_never_taken_for_one_sensor(watts: int, entity: str) -> None:
    output = line("PIN", "200 Watts", 0x70) + line("Input", f"{watts} Watts", 0x70, entity)
    with pytest.raises(ReadError, match=r"PIN .* Input .*: whether they are one sensor") as caught:
        total(output, "PIN", "Input")
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    assert (total(output, "PIN"), total(output, "Input")) == (200, watts)


@pytest.mark.parametrize("other", ["24 | 30 degrees C", "3 Volts", "Presence detected"])
def test_what_is_not_in_watts_is_no_other_sensor_of_a_number(other: str) -> None:
    assert total(line("PIN", "100 Watts") + line("PIN", other), "PIN") == 100
    assert total(line("PIN", other) + line("PIN", "100 Watts"), "PIN") == 100


@pytest.mark.parametrize(
    "garbled",
    [
        b"PIN              | 02h | ok  | \xab\xab10.2 | 248 Watts\n",
        b"PIN              | 02h | ok \n",
        b"PIN              | 02 | ok  | 10.2 | 248 Watts\n",
    ],
)
def test_a_line_that_cannot_be_read_is_a_reason_and_never_less_watts(garbled: bytes) -> None:
    """Found by fuzzing: such a line was passed over, and its namesake taken for the sum."""
    with pytest.raises(ReadError, match="another format") as caught:
        total(line("PIN", "100 Watts") + garbled, "PIN")
    assert caught.value.reason is Reason.BAD_REPLY
    assert str(caught.value).isprintable()
    assert total(line("Another", "100 Watts") + garbled, "Another") == 100


def test_words_of_a_login_shell_are_passed_over() -> None:
    assert total(b"Welcome to PIN\n\n" + line("PIN", "100 Watts"), "PIN") == 100


def test_a_sensor_whose_listings_disagree_is_unreadable_rather_than_passed_over() -> None:
    two = line("PIN", "100 Watts", 1) + line("PIN", "1 Watts Watts", 2) + line("PIN", "1 Wa", 2)
    with pytest.raises(ReadError) as caught:
        total(two, "PIN")
    assert caught.value.members == Members(2, 1)


@pytest.mark.parametrize("cut", ["PIN", "PIN              ", "P", "PIN              |"])
def test_a_line_cut_before_its_columns_is_a_reason_and_never_less_watts(cut: str) -> None:
    with pytest.raises(ReadError, match="another format") as caught:
        total(line("PIN", "301 Watts") + cut.encode(), "PIN")
    assert caught.value.reason is Reason.BAD_REPLY
    assert total(line("Another", "100 Watts") + cut.encode(), "Another") == 100


@pytest.mark.parametrize("text", ["", "   "])
def test_a_line_without_its_value_is_a_reason_and_never_less_watts(text: str) -> None:
    two = line("PSU Input", "301 Watts", 1) + line("PSU Input", text, 2, "10.2")
    with pytest.raises(ReadError) as caught:
        total(two, "PSU Input")
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    assert caught.value.members == Members(2, 1)


def test_a_namesake_in_another_unit_or_with_states_alone_is_passed_over() -> None:
    others = line("PIN", "12 Volts", 2) + line("PIN", "Presence detected", 4)
    assert total(line("PIN", "100 Watts") + others, "PIN") == 100


def test_a_namesake_without_a_reading_may_be_of_watts_and_spoils_the_sum() -> None:
    """ipmitool shows no unit without a reading."""
    two = line("PIN", "100 Watts", 1) + line("PIN", "No Reading", 2, status="ns")
    with pytest.raises(ReadError) as caught:
        total(two, "PIN")
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    assert caught.value.members == Members(2, 1)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Nope", Reason.NO_POWER_SENSOR),
        ("Temp", Reason.NO_POWER_SENSOR),
        ("Presence", Reason.NO_POWER_SENSOR),
        ("Gone", Reason.SENSOR_UNREADABLE),
        ("Switched off", Reason.SENSOR_UNREADABLE),
    ],
)
def test_one_sensor_without_watts_spoils_the_sum(name: str, reason: Reason) -> None:
    with pytest.raises(ReadError, match=name) as caught:
        total(SENSORS, "PSU1 PIN", name)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "text",
    ["na", "ns", "disabled", "No Reading", "Not Readable", "Unknown", "-3 Watts", "0 Watts",
     "3;4 Watts", "nan Watts", "inf Watts", "0x1f Watts", "1_0 Watts", "1e3 Watts", "Watts",
     "1,500 Watts", "9" * 400 + " Watts", "1 2 Watts", "3 % Watts", "3 Watts * minutes",
     "3 Watt", ""],
)  # fmt: skip
def test_a_text_without_a_measurement_is_unreadable(text: str) -> None:
    with pytest.raises(ReadError) as caught:
        total(line("PIN", text), "PIN")
    assert caught.value.reason is Reason.SENSOR_UNREADABLE


@pytest.mark.parametrize(
    "text",
    ["3 W", "3 Volts", "3 % Volts", "Presence detected"],
)
def test_a_text_that_is_no_number_of_watts_is_none(text: str) -> None:
    with pytest.raises(ReadError) as caught:
        total(line("PIN", text), "PIN")
    assert caught.value.reason is Reason.NO_POWER_SENSOR


NAMES = st.text(string.printable.replace("\n", ""), min_size=1, max_size=16).map(
    lambda name: name.rstrip(" ")
)


@given(st.dictionaries(NAMES, st.integers(1, 5000), min_size=1, max_size=200))
def test_what_is_printed_is_what_is_summed(values: dict[str, int]) -> None:
    output = b"".join(
        line(name, f"{watts} Watts", number) for number, (name, watts) in enumerate(values.items())
    )
    assert total(output, *values) == sum(values.values())


@given(st.binary(), st.lists(st.text(max_size=8), min_size=1))
def test_garbage_sums_to_an_error(output: bytes, names: list[str]) -> None:
    with pytest.raises(ReadError) as caught:
        total(output, *names)
    assert caught.value.reason in (Reason.NO_POWER_SENSOR, Reason.BAD_REPLY)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("\n    DCMI request failed because: Invalid command (c1)\n", 0xC1),
        ("\n    DCMI request failed because: Node busy (c0)\n", 0xC0),
        ("\n    DCMI request failed because: Unknown (0x05) (5)\n", 0x05),
        ("Could not open device at /dev/ipmi0", None),
    ],
)
def test_the_completion_code_is_found_where_there_is_one(said: str, code: int | None) -> None:
    assert completion_code(said) == code


def test_a_sensor_named_twice_counts_once() -> None:
    assert total(SENSORS, "PSU1 PIN", "PSU1 PIN") == 344


@pytest.mark.parametrize(
    ("output", "off"),
    [
        (b"Chassis Power is off\n", True),
        (b"Chassis Power is on\n", False),
        (b"Chassis Power is of", False),
        (b"", False),
    ],
)
def test_the_chassis_is_off_where_it_says_so(output: bytes, off: bool) -> None:
    assert says_powered_off(output) == off
