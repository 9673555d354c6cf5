"""DCMI Get Power Reading: what is refused, and in which words."""

import pytest

from rackwatt_exporter.protocols.ipmi.dcmi import (
    PowerReading,
    encode_power_reading,
    parse_power_reading,
)
from rackwatt_exporter.reading import ReadError, Reason, Statistics

DATA = encode_power_reading(PowerReading(344, True, Statistics(345, 341, 349, 1)), 0)


def refused(data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        parse_power_reading(data)
    assert caught.value.reason is Reason.BAD_REPLY
    return str(caught.value)


def test_what_is_encoded_is_what_is_parsed() -> None:
    assert parse_power_reading(DATA).watts == 344


@pytest.mark.parametrize("group", [0x00, 0xDB, 0xDD, 0xFF])
def test_an_answer_of_another_group_is_a_bad_reply_that_names_both_groups(group: int) -> None:
    message = refused(bytes((group,)) + DATA[1:])
    assert f"group {group:02X}h" in message
    assert "DCh" in message
    assert "too few" not in message


@pytest.mark.parametrize("length", range(len(DATA)))
def test_an_answer_cut_short_is_a_bad_reply_that_says_its_length(length: int) -> None:
    assert f"{length} bytes, too few" in refused(DATA[:length])
