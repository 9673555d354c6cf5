"""Which sensors a name means, and what becomes of a sum whose members come and go."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi.ipmitool import parse_sensors, sensors_in_watts, sum_watts
from rackwatt_exporter.reading import Members, ReadError, Reading, Reason
from rackwatt_exporter.targets.ipmi.sensors import RECHECK_S, NamedSensors
from tests.exporter.targets.ipmi.scripted_bmc import (
    E0_UNAVAILABLE,
    SENSOR,
    STAMP,
    ScriptedBmc,
    raw,
)
from tests.peers.ipmi_sim import SimSensor
from tests.virtual_time import VirtualTimeLoop

OWNER, LUN, UNIT = 5, 6, 21
FIRST = SimSensor("PSU Input", m=8).record(1)
SECOND = SimSensor("PSU Input", m=8).record(2)
BOTH: dict[tuple[int, ...], bytes] = {(*SENSOR, 1): raw(43), (*SENSOR, 2): raw(31)}


def changed(record: bytes, at: int, value: int) -> bytes:
    return record[:at] + bytes((value,)) + record[at + 1 :]


def compact(name: str) -> bytes:
    body = bytes((0x20, 0, 9, 10, 1)) + bytes(21) + bytes((0xC0 | len(name),)) + name.encode()
    return bytes((9, 0, 0x51, 2, len(body))) + body


class Story:
    """Readings of one target, in one session unless another is opened."""

    def __init__(self, bmc: ScriptedBmc, *names: str) -> None:
        self.bmc = bmc
        self.loop = VirtualTimeLoop()
        self.sensors = NamedSensors(names)
        self.log_in()

    def log_in(self) -> None:
        async def opened() -> None:
            self.session = self.bmc.session()

        self.loop.run_until_complete(opened())

    def read(self) -> Reading | ReadError:
        try:
            return self.loop.run_until_complete(self.sensors.read(self.session))
        except ReadError as error:
            return error


def outcome(bmc: ScriptedBmc, *names: str) -> Reading | ReadError:
    with story_of(bmc, *(names or ("PSU Input",))) as story:
        return story.read()


@contextmanager
def story_of(bmc: ScriptedBmc, *names: str) -> Iterator[Story]:
    story = Story(bmc, *names)
    yield story
    story.loop.close()


def test_two_sensors_of_one_name_are_summed() -> None:
    reading = outcome(ScriptedBmc(BOTH, [FIRST, SECOND]))
    assert isinstance(reading, Reading)
    assert (reading.watts, reading.source) == (592, "sensor:PSU Input")
    assert reading.members == Members(2, 2)


@pytest.mark.parametrize("names", [("PSU Input",), ("PSU Input", "PSU Input")])
def test_a_sensor_that_is_listed_twice_counts_once(names: tuple[str, ...]) -> None:
    reading = outcome(ScriptedBmc(BOTH, [FIRST, SECOND, FIRST, FIRST]), *names)
    assert isinstance(reading, Reading)
    assert reading.watts == 592


def test_a_sensor_whose_records_disagree_counts_once_in_watts() -> None:
    reading = outcome(ScriptedBmc(BOTH, [FIRST, changed(SECOND, UNIT, 4), SECOND, SECOND]))
    assert isinstance(reading, Reading)
    assert (reading.watts, reading.members) == (592, Members(2, 2))


def test_a_sensor_that_has_two_names_counts_once() -> None:
    other = SimSensor("PS1 Power", m=8).record(1)
    reading = outcome(ScriptedBmc(BOTH, [FIRST, other]), "PSU Input", "PS1 Power")
    assert isinstance(reading, Reading)
    assert (reading.watts, reading.members) == (344, Members(1, 1))


def test_a_number_at_another_lun_is_another_sensor() -> None:
    bmc = ScriptedBmc(BOTH, [FIRST, changed(FIRST, LUN, 1)])
    reading = outcome(bmc)
    assert isinstance(reading, Reading)
    assert (reading.watts, reading.members) == (688, Members(2, 2))


def test_a_namesake_of_another_owner_is_a_reason_and_never_half_a_sum() -> None:
    refused = outcome(ScriptedBmc(BOTH, [FIRST, changed(SECOND, OWNER, 0x2C)]))
    assert isinstance(refused, ReadError)
    assert refused.reason is Reason.SENSOR_UNREADABLE
    assert "owner 2Ch" in str(refused)
    assert "bridging is not supported" in str(refused)


def test_a_namesake_in_another_unit_or_without_analog_value_is_passed_over() -> None:
    volts = changed(SECOND, UNIT, 4)
    discrete = changed(SimSensor("PSU Input").record(3), 20, 0xC0)
    reading = outcome(ScriptedBmc(BOTH, [volts, discrete, FIRST, compact("PSU Input")]))
    assert isinstance(reading, Reading)
    assert (reading.watts, reading.members) == (344, Members(1, 1))


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([changed(FIRST, UNIT, 4), changed(SECOND, UNIT, 5)], "not in watts (V, A)"),
        ([compact("PSU Input")], "no analog value"),
        ([compact("PSU Inputs")], "nearest: PSU Inputs"),
        ([SimSensor("PIN").record(1)], "in watts there are: PIN"),
    ],
)
def test_a_name_without_watts_says_what_there_is(records: list[bytes], words: str) -> None:
    refused = outcome(ScriptedBmc(BOTH, records))
    assert isinstance(refused, ReadError)
    assert refused.reason is Reason.NO_POWER_SENSOR
    assert words in str(refused)


@pytest.mark.parametrize("answer", [E0_UNAVAILABLE, b"\xcb", b"\xd5", b"\0\x10\x80\xc0", b"\0"])
def test_a_member_that_cannot_be_read_is_a_reason_and_never_less_watts(answer: bytes) -> None:
    refused = outcome(ScriptedBmc(BOTH | {(*SENSOR, 2): answer}, [FIRST, SECOND]))
    assert isinstance(refused, ReadError)
    assert refused.reason in (Reason.SENSOR_UNREADABLE, Reason.BAD_REPLY)
    assert refused.members == Members(2, 1)


def watts(found: Reading | ReadError) -> float:
    assert isinstance(found, Reading), found
    return found.watts


def test_a_supply_that_leaves_is_missed_and_counts_again_when_it_returns() -> None:
    bmc = ScriptedBmc(BOTH, [FIRST, SECOND])
    with story_of(bmc, "PSU Input") as story:
        assert watts(story.read()) == 592
        bmc.records, bmc.changed = [FIRST], 1
        story.log_in()
        for _ in range(2):
            refused = story.read()
            assert isinstance(refused, ReadError)
            assert refused.reason is Reason.MEMBER_MISSING
            assert "PSU Input (entity 10.2, owner 20h, LUN 0, number 02h)" in str(refused)
            assert refused.members == Members(2, 1)
        bmc.records, bmc.changed = [FIRST, SECOND], 2
        assert watts(story.read()) == 592


def test_a_supply_that_comes_late_counts_within_ten_minutes() -> None:
    bmc = ScriptedBmc(BOTH, [FIRST])
    with story_of(bmc, "PSU Input") as story:
        assert watts(story.read()) == 344
        bmc.records, bmc.changed = [FIRST, SECOND], 1
        assert watts(story.read()) == 344
        story.loop.pass_time(RECHECK_S)
        assert watts(story.read()) == 592


def test_a_supply_whose_record_goes_with_its_reading_is_missed_at_once() -> None:
    bmc = ScriptedBmc(BOTH, [FIRST, SECOND])
    with story_of(bmc, "PSU Input") as story:
        assert watts(story.read()) == 592
        bmc.records, bmc.changed = [FIRST], 1
        bmc.script[*SENSOR, 2] = b"\xcb"
        reasons = [error.reason for _ in range(2) if isinstance(error := story.read(), ReadError)]
        assert reasons == [Reason.SENSOR_UNREADABLE, Reason.MEMBER_MISSING]


def test_a_repository_is_looked_at_once_in_ten_minutes() -> None:
    bmc = ScriptedBmc(BOTH, [FIRST, SECOND])
    with story_of(bmc, "PSU Input") as story:
        for _ in range(50):
            assert watts(story.read()) == 592
        assert bmc.heard[STAMP] == 1


def test_a_repository_that_leads_back_to_its_first_record_ends_there() -> None:
    class Circle(ScriptedBmc):
        def _record(self, data: bytes) -> bytes:
            found = super()._record(data)
            return found.replace(b"\0\xff\xff", b"\0\0\0", 1)

    assert watts(outcome(Circle(BOTH, [FIRST, SECOND]))) == 592
    refused = outcome(Circle(BOTH, [FIRST, SECOND]), "another")
    assert isinstance(refused, ReadError)
    assert refused.reason is Reason.BAD_REPLY


RECORDS = st.lists(
    st.builds(
        lambda name, number, change: change(SimSensor(name, m=1).record(number)),
        st.sampled_from(["PSU Input", "Other"]),
        st.integers(1, 4),
        st.sampled_from(
            (
                lambda record: record,
                lambda record: changed(record, UNIT, 4),
                lambda record: changed(record, LUN, 1),
                lambda record: changed(record, 3, 0xC0),
            )
        ),
    ),
    min_size=1,
    max_size=8,
)


@given(RECORDS)
def test_a_sum_is_of_every_sensor_of_the_name_once(records: list[bytes]) -> None:
    wanted = {
        (record[LUN], record[7])
        for record in records
        if record.endswith(b"PSU Input") and record[UNIT] == 6 and record[3] == 1
    }
    found = outcome(ScriptedBmc({SENSOR: raw(10)}, records))
    if isinstance(found, Reading):
        assert found.watts == 10 * len(wanted)
        assert found.members == Members(len(wanted), len(wanted))
    else:
        assert not wanted


@pytest.mark.parametrize("answer", [bytes((code,)) for code in range(1, 256)] + [b"\0\x5a", b""])
def test_the_failure_of_a_sensor_names_it_whatever_the_bmc_answers(answer: bytes) -> None:
    failed = outcome(ScriptedBmc({SENSOR: answer}, [SimSensor("PIN").record(2)]), "PIN")
    assert isinstance(failed, ReadError)
    assert "'PIN'" in str(failed)


LISTED = st.lists(
    st.tuples(
        st.sampled_from(("PIN", "PSU2 PIN", "Riser")),
        st.integers(0x30, 0x31),  # number
        st.integers(0, 1),  # LUN
        st.sampled_from((1, 2)),  # instance of the entity
        st.integers(1, 255),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each[4],
)


def through_ipmitool(listed: list[tuple[str, int, int, int, int]], *names: str) -> float | None:
    """Sum what ipmitool prints, which is neither owner nor LUN; None for a reason."""
    lines = (
        f"{name:16} | {number:02X}h | ok  | 10.{instance} | {watts} Watts\n"
        for name, number, _, instance, watts in listed
    )
    try:
        return sum_watts(sensors_in_watts(parse_sensors("".join(lines).encode()), names))
    except ReadError as error:
        assert error.reason is Reason.SENSOR_UNREADABLE
        return None


@given(LISTED)
def test_ipmitool_gives_the_watts_of_the_records_or_a_reason(
    listed: list[tuple[str, int, int, int, int]],
) -> None:
    """Found on a BMC with two LUNs: ipmitool gave half of the watts that the BMC itself gave."""
    own = {(number, lun): watts for _, number, lun, _, watts in listed}
    listed = [(*each[:4], own[each[1], each[2]]) for each in listed]
    records = [
        changed(changed(SimSensor(name, number=number).record(1), LUN, lun), LUN + 3, instance)
        for name, number, lun, instance, _ in listed
    ]
    names = tuple(dict.fromkeys(name for name, *_ in listed))
    script: dict[tuple[int, ...], bytes] = {
        (*SENSOR, *place): raw(watts) for place, watts in own.items()
    }
    direct = outcome(ScriptedBmc(script, records), *names)
    assert isinstance(direct, Reading)
    assert direct.watts == sum(own.values())
    assert through_ipmitool(listed, *names) in (direct.watts, None)


def test_ipmitool_and_the_records_agree_on_two_supplies_and_on_one_listed_twice() -> None:
    two = [("PSU1 PIN", 0x30, 0, 1, 42), ("PSU2 PIN", 0x31, 0, 2, 41)]
    assert through_ipmitool([*two, *two], "PSU1 PIN", "PSU2 PIN") == 83
    records = [SimSensor(name, number=number).record(1) for name, number, *_ in (*two, *two)]
    direct = outcome(
        ScriptedBmc({(*SENSOR, 0x30): raw(42), (*SENSOR, 0x31): raw(41)}, records),
        "PSU1 PIN",
        "PSU2 PIN",
    )
    assert isinstance(direct, Reading)
    assert direct.watts == 83
