"""What programs print of a BMC's power: real output of each, and garbage of every kind."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi.power_text import parse_power_text
from rackwatt_exporter.reading import ReadError, Reason, Statistics

# ipmitool 1.8.19 and FreeIPMI 1.6.9 against ipmi_sim.
IPMITOOL = b"""
    Instantaneous power reading:                   344 Watts
    Minimum during sampling period:                341 Watts
    Maximum during sampling period:                349 Watts
    Average power reading over sample period:      345 Watts
    IPMI timestamp:                           11/30/26 18:33:36 UTC    Sampling period:                          00000001 Seconds.
    Power reading state is:                   activated


"""
FREEIPMI = b"""Current Power                        : 344 Watts
Minimum Power over sampling duration : 341 watts
Maximum Power over sampling duration : 349 watts
Average Power over sampling duration : 345 watts
Time Stamp                           : 11/30/2026 - 18:33:36
Statistics reporting time period     : 1000 milliseconds
Power Measurement                    : Active
"""
# As the format strings of ipmiutil 3.18 have it.
IPMIUTIL = b"""ipmiutil dcmi ver 3.18
-- BMC version 9.8, IPMI version 2.0
DCMI Power Reading:
  Current Power:                   344 Watts
  Min Power over sample duration:  341 Watts
  Max Power over sample duration:  349 Watts
  Avg Power over sample duration:  345 Watts
  Timestamp:                       11/30/26 18:33:36
  Sampling period:                 1000 ms
  Power reading state is:          active
DCMI Power Limit:
  Power Limit:       500 Watts
ipmiutil dcmi, completed successfully
"""
LINES = (IPMITOOL, FREEIPMI, IPMIUTIL)
# Of the Cray CAPMC API.
CAPMC = {
    "start_time": "2026-11-30 18:23:36",
    "avg": 345,
    "min": 341,
    "max": 349,
    "window_len": 600,
    "e": 0,
    "err_msg": "",
}


def capmc(**changed: object) -> bytes:
    return json.dumps(CAPMC | changed).encode()


def reason(output: bytes) -> Reason:
    with pytest.raises(ReadError) as caught:
        parse_power_text(output)
    return caught.value.reason


@pytest.mark.parametrize("output", LINES)
def test_every_program_prints_the_same_reading_in_its_own_words(output: bytes) -> None:
    power = parse_power_text(output)
    assert (power.watts, power.measuring) == (344, True)
    assert power.statistics == Statistics(345, 341, 349, 1)


@pytest.mark.parametrize("output", LINES)
def test_the_spelling_of_watts_does_not_matter(output: bytes) -> None:
    swapped = output.replace(b" Watts", b" w_").replace(b" watts", b" Watts")
    assert parse_power_text(swapped.replace(b" w_", b" watts")) == parse_power_text(output)


@pytest.mark.parametrize("output", LINES)
@pytest.mark.parametrize("cut", range(0, 500, 11))
def test_output_cut_short_is_a_bad_reply_or_the_same_watts(output: bytes, cut: int) -> None:
    try:
        assert parse_power_text(output[:cut]).watts == 344
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (IPMITOOL, b"deactivated"),
        (FREEIPMI, b"Not Available"),
        (FREEIPMI, b"Not Active"),
        (IPMIUTIL, b"not active"),
    ],
)
def test_a_measurement_that_is_off_is_not_measuring(output: bytes, words: bytes) -> None:
    for active in (b"activated", b": Active", b"active"):
        if active in output:
            prefix = b": " if active.startswith(b":") else b""
            assert not parse_power_text(output.replace(active, prefix + words)).measuring
            return


def test_a_figure_is_never_taken_from_another_line() -> None:
    """Found by fuzzing: what stood between the words was lost, and the next figure taken."""
    for changed in (
        IPMITOOL.replace(b"ng:                   344", b"ng 344"),
        IPMITOOL.replace(b"Instantaneous power reading:", b"\n:"),
    ):
        assert reason(changed) is Reason.BAD_REPLY


def test_65535_is_no_statistic() -> None:
    power = parse_power_text(IPMITOOL.replace(b"  349", b"65535"))
    assert power.statistics == Statistics(345, 341, None, 1)


def test_a_state_in_other_words_is_a_bad_reply() -> None:
    assert reason(FREEIPMI.replace(b": Active", b": Perhaps")) is Reason.BAD_REPLY


@pytest.mark.parametrize("output", LINES)
def test_two_readings_in_one_output_are_a_bad_reply(output: bytes) -> None:
    assert reason(output + output.replace(b"344", b"900")) is Reason.BAD_REPLY


@pytest.mark.parametrize("bad", [b"-5", b"3 44", b"nan", b"", b"0x10", b"344 k"])
def test_what_is_no_number_of_watts_is_a_bad_reply(bad: bytes) -> None:
    for output in LINES:
        assert reason(output.replace(b"344", bad)) is Reason.BAD_REPLY


def test_capmcs_average_is_the_current_power() -> None:
    power = parse_power_text(capmc())
    assert (power.watts, power.measuring) == (345, True)
    assert power.statistics == Statistics(345, 341, 349, 600)


def test_an_error_of_capmc_is_one() -> None:
    with pytest.raises(ReadError, match="error 22: no such nid") as caught:
        parse_power_text(capmc(e=22, err_msg="no such nid"))
    assert caught.value.reason is Reason.COMMAND_FAILED


@pytest.mark.parametrize(
    "output",
    [
        capmc(avg=None),
        capmc(avg="345"),
        capmc(avg=-1),
        capmc(avg=True),
        capmc(min=float("nan")),
        b"{",
        b"{" * 100_000,
        b'{"e": 0}',
    ],
)
def test_json_without_watts_is_a_bad_reply(output: bytes) -> None:
    assert reason(output) is Reason.BAD_REPLY


@pytest.mark.parametrize(
    ("output", "watts"),
    [(b"412", 412), (b"412.5\n", 412.5), (b" 412 W\n", 412), (b"412 watts\r\n", 412), (b"0\n", 0)],
)
def test_a_program_of_the_users_may_print_watts_alone(output: bytes, watts: float) -> None:
    power = parse_power_text(output)
    assert (power.watts, power.measuring, power.statistics) == (watts, True, Statistics())


@pytest.mark.parametrize("output", [b"", b"\n", b"412 V", b"1 2", b"-3", b"12e3", b"W", b"1,5"])
def test_other_text_is_a_bad_reply(output: bytes) -> None:
    assert reason(output) is Reason.BAD_REPLY


@given(st.binary() | st.text().map(str.encode))
def test_garbage_is_a_bad_reply_or_a_number_in_it(output: bytes) -> None:
    try:
        power = parse_power_text(output)
    except ReadError as error:
        assert error.reason in (Reason.BAD_REPLY, Reason.COMMAND_FAILED)
    else:
        assert f"{power.watts:g}"[:3] in output.decode("utf-8", "replace")
