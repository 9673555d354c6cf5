"""Responses to vendors' own commands for watts: the examples of their guides, and any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi.power_commands import POWER_COMMANDS
from rackwatt_exporter.reading import ReadError, Reason

NEC = POWER_COMMANDS[119]


def test_necs_example_is_76_watts() -> None:
    assert NEC.watts(bytes.fromhex("4c 00")) == 76


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.BAD_REPLY),
        (b"\x4c", Reason.BAD_REPLY),
        (b"\x4c\x00\x00", Reason.BAD_REPLY),
        (b"\x00\x00", Reason.NO_POWER_SENSOR),
        (b"\xff\xff", Reason.SENSOR_UNREADABLE),
    ],
)
def test_what_is_no_measurement_is_a_reason(data: bytes, reason: Reason) -> None:
    with pytest.raises(ReadError, match="3Eh 0Bh") as raised:
        NEC.watts(data)
    assert raised.value.reason is reason


@given(st.binary(max_size=4))
def test_any_bytes_are_the_watts_of_two_or_a_reason(data: bytes) -> None:
    try:
        watts = NEC.watts(data)
    except ReadError:
        return
    assert watts == data[0] + 256 * data[1]
    assert len(data) == 2
