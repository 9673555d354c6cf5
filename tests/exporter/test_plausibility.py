import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.plausibility import (
    DCMI_NO_VALUE,
    REDFISH_NO_VALUE,
    SNMP_NO_VALUE,
    measured,
    validate,
)
from rackwatt_exporter.reading import ReadError, Reading, Reason

EVERY_SENTINEL = DCMI_NO_VALUE | REDFISH_NO_VALUE | SNMP_NO_VALUE


@given(st.floats(), st.sampled_from([DCMI_NO_VALUE, REDFISH_NO_VALUE, SNMP_NO_VALUE]))
def test_a_measured_value_is_finite_not_negative_and_no_sentinel(
    value: float, no_value: frozenset[int]
) -> None:
    try:
        result = measured(value, "x", no_value)
    except ReadError:
        assert not math.isfinite(value) or value < 0 or value in no_value
    else:
        assert result == value
        assert math.isfinite(value)
        assert value >= 0
        assert value not in no_value


@pytest.mark.parametrize("value", [-1, *EVERY_SENTINEL])
def test_a_sentinel_is_an_unreadable_sensor_that_the_message_names(value: int) -> None:
    with pytest.raises(ReadError, match="PSU1 is ") as error:
        measured(value, "PSU1", EVERY_SENTINEL)
    assert error.value.reason is Reason.SENSOR_UNREADABLE


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        (Reading(math.nan, "x"), Reason.BAD_REPLY),
        (Reading(math.inf, "x"), Reason.BAD_REPLY),
        (Reading(100.0, "x", joules=math.nan), Reason.BAD_REPLY),
        (Reading(100.0, "x", joules=-1.0), Reason.BAD_REPLY),
        (Reading(100.0, "x", joules=1e300), Reason.BAD_REPLY),
        (Reading(-1.0, "x"), Reason.IMPLAUSIBLE),
        (Reading(1000.5, "x"), Reason.IMPLAUSIBLE),
        (Reading(65535.0, "x"), Reason.IMPLAUSIBLE),
    ],
)
def test_a_reading_that_cannot_be_is_refused_with_its_reason(
    reading: Reading, reason: Reason
) -> None:
    with pytest.raises(ReadError) as error:
        validate(reading, 1000.0)
    assert error.value.reason is reason


def test_the_message_of_an_implausible_reading_names_both_numbers_and_the_field() -> None:
    with pytest.raises(ReadError, match=r"dcmi reports 65000 W.* 1000 W.*raise maxWatts"):
        validate(Reading(65000.0, "dcmi"), 1000.0)


def test_a_reading_between_zero_and_the_ceiling_is_returned_as_it_is() -> None:
    for watts in (0.0, 0.1, 999.9, 1000.0):
        reading = Reading(watts, "dcmi", joules=5.0)
        assert validate(reading, 1000.0) is reading
