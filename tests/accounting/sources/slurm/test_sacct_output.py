from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.sources.slurm.sacct_output import SacctOutput, new_delimiter
from rackwatt_exporter.reading import ReadError, Reason
from tests.accounting.sources.slurm.records import BEGIN_S, FIELDS, Record, printed, records

D = "\x1fabcd"
ONE = Record(7, BEGIN_S, BEGIN_S + 60)


def read(output: bytes, piece: int = 2**20) -> Sequence[Unit]:
    parser = SacctOutput(D)
    pieces = (output[start : start + piece] for start in range(0, len(output), piece))
    units = [unit for part in pieces for unit in parser.feed(part)]
    parser.end()
    return units


def refused(output: bytes) -> str:
    with pytest.raises(ReadError) as raised:
        read(output)
    assert raised.value.reason is Reason.BAD_REPLY
    return str(raised.value)


def units(of: Sequence[Record]) -> list[Unit]:
    return [unit for record in of if (unit := record.unit()) is not None]


@pytest.mark.parametrize("piece", [7, 1000, 2**20])
def test_every_kind_of_record_is_its_unit_however_the_output_is_cut(piece: int) -> None:
    some = records(1, 600)
    assert read(printed(some, D), piece) == units(some)


def test_jobs_that_wait_are_no_units() -> None:
    assert read(printed([Record(7, 0, 0, state="PENDING"), ONE], D)) == [ONE.unit()]


def test_a_job_that_never_ran_is_kept_and_held_nothing() -> None:
    (unit,) = read(printed([Record(7, 0, BEGIN_S + 9, state="CANCELLED")], D))
    assert unit.started_at_s == unit.ended_at_s == BEGIN_S + 9
    assert (unit.cpus, unit.tres, unit.node_list, unit.has_run) == (0, "", "", False)


def test_two_runs_of_one_job_have_two_keys() -> None:
    first = Record(7, BEGIN_S, BEGIN_S + 60, state="REQUEUED")
    again = Record(7, BEGIN_S + 180, BEGIN_S + 240)
    assert [unit.key for unit in read(printed([first, again], D))] == [
        ("7", BEGIN_S, 0), ("7", BEGIN_S + 180, 0),
    ]  # fmt: skip


def test_a_name_that_looks_like_records_is_a_name() -> None:
    # No user knows the delimiter before the command runs; another one is in the name.
    forged = Record(8, BEGIN_S, BEGIN_S + 9, user="bob").printed("\x1fdcba")
    (unit,) = read(printed([Record(7, BEGIN_S, BEGIN_S + 60, name=f"x\n{forged}")], D))
    assert (unit.id, unit.user) == ("7", "alice")
    assert unit.name.startswith("x 8")
    assert unit.name.isprintable()


def test_bytes_that_are_no_utf_8_stay_distinct() -> None:
    output = printed([ONE], D).replace(b"bench", b"caf\xe9")
    assert read(output)[0].name == "caf\\xe9"


def test_an_empty_list_is_one_only_below_a_header() -> None:
    assert read(printed([], D)) == []
    assert "nothing" in refused(b"")
    assert "Connection refused" in refused(b"Connection refused\n")


def test_a_greeting_of_a_login_shell_is_passed_over() -> None:
    assert read(b"Welcome!\n2 jobs: 17" + printed([ONE], D)) == [ONE.unit()]


def test_an_output_that_was_cut_anywhere_within_a_record_is_an_error() -> None:
    whole = printed([ONE, ONE], D)
    ends = {len(printed([ONE] * count, D)) for count in range(3)}
    for end in set(range(len(whole))) - ends:
        refused(whole[:end])


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("JobIDRaw", "7.batch"), ("JobIDRaw", ""), ("Start", "2026-11-30T10:00:00"), ("Start", "-5"),
        ("End", "1" * 13), ("UID", "alice"), ("Suspended", "INVALID"), ("Suspended", "99:99"),
    ],
)  # fmt: skip
def test_a_field_that_is_not_what_it_should_be_is_an_error(field: str, text: str) -> None:
    fields = ONE.printed(D).split(D)
    fields[FIELDS.index(field)] = text
    assert text[:9] in refused(printed([], D) + D.join(fields).encode())


def test_a_start_after_the_end_is_no_time_that_ran() -> None:
    (unit,) = read(printed([Record(7, BEGIN_S + 60, BEGIN_S, suspended_s=9)], D))
    assert (unit.started_at_s, unit.ended_at_s, unit.suspended_s) == (BEGIN_S, BEGIN_S, 0)


def test_suspended_days_are_read() -> None:
    day = 86400
    (unit,) = read(printed([Record(7, BEGIN_S, BEGIN_S + 3 * day, suspended_s=2 * day + 3661)], D))
    assert unit.suspended_s == 2 * day + 3661


def test_a_record_without_an_end_is_not_kept_for_ever() -> None:
    assert "without an end" in refused(printed([], D) + b"x" * 2**21)


def test_delimiters_are_new_and_no_option() -> None:
    some = {new_delimiter() for _ in range(100)}
    assert len(some) == 100
    assert all(one.startswith("\x1f") for one in some)


@given(st.binary(max_size=2000))
def test_any_bytes_are_units_or_an_error(output: bytes) -> None:
    for text in (output, printed([], D) + output, printed([ONE], D) + output):
        try:
            found = read(text)
        except ReadError:
            continue
        assert all(unit == ONE.unit() for unit in found)


@given(st.data())
def test_a_changed_byte_is_never_another_record(data: st.DataObject) -> None:
    """Whatever is changed, each unit has the ids and the number of fields of its own record."""
    some = [Record(number, BEGIN_S, BEGIN_S + number, user=f"u{number}") for number in (11, 22, 33)]
    output = bytearray(printed(some, D))
    start = data.draw(st.integers(0, len(output) - 1))
    end = data.draw(st.integers(start, min(len(output), start + 40)))
    output[start:end] = data.draw(st.binary(max_size=20))
    try:
        found = read(bytes(output))
    except ReadError:
        return
    truth = units(some)
    # One place was changed: two records of three are as they were, and none is made of two.
    assert len(found) <= 3
    assert sum(unit in truth for unit in found) >= len(found) - 1
