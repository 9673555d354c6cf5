"""Tests of times as sacct's users write them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.client.times import parse_time

NOW = datetime(2026, 11, 30, 14, 30, 15).astimezone()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("now-7days", NOW - timedelta(days=7)),
        ("now-1day", NOW - timedelta(days=1)),
        ("now-2hours", NOW - timedelta(hours=2)),
        ("now-30", NOW - timedelta(seconds=30)),
        ("now+1week", NOW + timedelta(weeks=1)),
        ("today", datetime(2026, 11, 30).astimezone()),
        ("midnight", datetime(2026, 11, 30).astimezone()),
        ("noon", datetime(2026, 11, 30, 12).astimezone()),
        ("2026-11-01", datetime(2026, 11, 1).astimezone()),
        ("2026-11-01T08:15", datetime(2026, 11, 1, 8, 15).astimezone()),
        ("2026-11-01T08:15:30", datetime(2026, 11, 1, 8, 15, 30).astimezone()),
        ("11/01/26", datetime(2026, 11, 1).astimezone()),
        ("11/01/26-08:15", datetime(2026, 11, 1, 8, 15).astimezone()),
        ("110126", datetime(2026, 11, 1).astimezone()),
        ("08:15", datetime(2026, 11, 30, 8, 15).astimezone()),
    ],
)
def test_times_are_those_of_sacct(text: str, expected: datetime) -> None:
    assert parse_time(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "now-3moons", "now-x", "2026-13-01", "25:00"])
def test_a_text_that_is_no_time_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time|is none of seconds"):
        parse_time(text, NOW)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_mistake(text: str) -> None:
    try:
        assert parse_time(text, NOW).tzinfo is not None
    except ValueError as error:
        assert repr(text) in str(error)
