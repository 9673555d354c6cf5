"""Records of a command's JSON, and what may be around and within them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.json_records import (
    Record,
    Records,
    count,
    mebibytes,
    parse_records,
    time_s,
    word,
)
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT


def parsed(output: bytes, key: str | None = None) -> Records[Record]:
    return parse_records(output, "condor_q", lambda record: record, key)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
RECORDS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5)


@given(RECORDS, st.sampled_from(["", "Welcome to login1\n", "\x1b[1m[info]\x1b[0m {user} "]))
def test_records_are_what_the_command_printed_behind_any_greeting(
    records: list[dict[str, Any]], greeting: str
) -> None:
    listed = parsed(f"{greeting}{json.dumps(records)}\n".encode())
    assert json.dumps(list(listed.made)) == json.dumps(records)
    assert listed.unread == 0


@given(st.binary(max_size=300) | st.text('[]{},:"\\ \n1a', max_size=300).map(str.encode))
def test_records_of_anything_at_all_are_objects_or_a_bad_reply(output: bytes) -> None:
    try:
        listed = parsed(output)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert all(isinstance(record, dict) for record in listed.made)


@pytest.mark.parametrize(
    "broken",
    [
        '{"a": }',
        '{"a": 1 "b": 2}',
        '{"a": "no end}',
        "3",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a": ' + "9" * 10_000 + "}",
    ],
    ids=["value", "comma", "quote", "number", "depth", "digits"],
)
def test_records_beside_a_broken_one_are_read(broken: str) -> None:
    output = f'[\n{{"n": 1}}\n,\n{broken}\n,\n{{"n": 2}}\n]\n'.encode()
    listed = parsed(output)
    assert (listed.made, listed.unread) == (({"n": 1}, {"n": 2}), 1)


def test_records_that_are_not_what_they_should_be_are_counted() -> None:
    listed = parse_records(b'[{"n": 1}, {}, {"n": 0}]', "condor_q", lambda one: one.get("n"))
    assert listed == ((1, 0), 1)


def test_records_that_were_cut_off_are_counted() -> None:
    for output in (b'[\n{"n": 1}\n,\n{"n": ', b'[\n{"n": 1}\n,\n', b'[\n{"n": 1}\n'):
        listed = parsed(output)
        assert (listed.made, listed.unread) == (({"n": 1},), 1)


def test_records_with_control_characters_and_invalid_utf_8_are_read() -> None:
    listed = parsed(b'[{"n": "a\x07b\xff"}]')
    assert listed.made == ({"n": "a\x07b\N{REPLACEMENT CHARACTER}"},)


def test_records_are_those_of_the_named_array() -> None:
    output = b'LSF is slow\n{"COMMAND":"bjobs","JOBS":2,"RECORDS":[{"JOBID":"1"},{"JOBID":"2"}]}'
    listed = parsed(output, "RECORDS")
    assert [record["JOBID"] for record in listed.made] == ["1", "2"]


def test_output_without_an_array_is_a_bad_reply_and_none_at_all_is_no_record() -> None:
    for output in (b"<html></html>", b"No ads", b"{}"):
        with pytest.raises(ReadError) as caught:
            parsed(output)
        assert caught.value.reason is Reason.BAD_REPLY
    for output in (b"", b"\n", b"[\n]\n"):
        assert parsed(output) == ((), 0)


def test_records_broken_throughout_cost_no_more_than_their_length_allows() -> None:
    """Each of them would be read to the end of the output otherwise."""
    output = b"[" + b'{"a":[1,' * 100_000
    with pytest.raises(ReadError) as caught:
        parsed(output)
    assert caught.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (4, 4),
        (4.0, 4),
        ("4", 4),
        ("4.0", 4),
        (0, 0),
        (-9999, None),
        ("-", None),
        ("", None),
        ("4 GB", None),
        ("/Expr(RequestCpus)/", None),
        (4.5, None),
        (True, None),
        (None, None),
        ([4], None),
        (float("nan"), None),
        (float("inf"), None),
        (MAX_COUNT, MAX_COUNT),
        (MAX_COUNT + 1, None),
    ],
)
def test_a_count_is_a_whole_number_in_any_spelling(value: object, expected: int | None) -> None:
    assert count(value) == expected


@given(VALUES)
def test_a_value_of_any_kind_is_within_bounds_or_none(value: object) -> None:
    for read in (count, mebibytes, time_s):
        amount = read(value)
        assert amount is None or 0 <= amount <= MAX_COUNT
    assert word(value).isprintable()
