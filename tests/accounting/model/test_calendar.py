"""Tests of the days of a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.model.calendar import Calendar, date_text, day_number
from rackwatt_accounting.model.window import Window

ZONES = ("UTC", "Europe/Paris", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia")
TIMES = st.integers(0, 2**31)


@pytest.mark.parametrize(
    ("date", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_calendar_has_days_of_23_and_25_hours(date: str, hours: int) -> None:
    assert Calendar("Europe/Paris").window(day_number(date)).seconds == hours * 3600


def test_calendar_begins_a_day_that_has_no_midnight_with_its_first_second() -> None:
    calendar = Calendar("America/Sao_Paulo")
    day = day_number("2018-11-04")
    assert calendar.window(day).seconds == 23 * 3600
    assert calendar.day_of(calendar.window(day).from_s) == day
    assert calendar.day_of(calendar.window(day).from_s - 1) == day - 1


def test_calendar_refuses_a_zone_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="'Mars/Olympus' is no time zone"):
        Calendar("Mars/Olympus")


@given(st.sampled_from(ZONES), TIMES, st.integers(0, 10 * 86400))
def test_calendar_splits_a_window_into_days_that_add_up(
    zone: str, from_s: int, length_s: int
) -> None:
    window = Window(from_s, from_s + length_s)
    days = list(Calendar(zone).days(window))
    assert sum(part.seconds for _, part in days) == window.seconds
    assert [day for day, _ in days] == sorted({day for day, _ in days})
    for day, part in days:
        assert part.seconds > 0
        assert Calendar(zone).day_of(part.from_s) == Calendar(zone).day_of(part.to_s - 1) == day


@given(st.integers(0, 40_000))
def test_dates_of_days_are_read_back(day: int) -> None:
    assert day_number(date_text(day)) == day
