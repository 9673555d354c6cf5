"""Delays of changed numbers, and the number of writes that they come to."""

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_operator.status.write_throttle import FIRST_S, SLOWEST_S, WriteThrottle

WAITS_S = st.lists(st.floats(0, 1000), max_size=60)


def test_the_write_throttle_doubles_the_wait_of_numbers_after_a_condition() -> None:
    pace, at_s, waits_s = WriteThrottle().wrote(0.0, True), 0.0, []
    for _ in range(7):
        waits_s.append(pace.due_in_s(at_s))
        at_s += waits_s[-1]
        pace = pace.wrote(at_s, False)
    assert waits_s == [3, 6, 12, 24, 48, 60, 60]


@given(WAITS_S, st.floats(0, 1e6))
def test_the_write_throttle_never_delays_numbers_longer_than_a_minute(
    idle_s: list[float], now_s: float
) -> None:
    pace = WriteThrottle()
    for one_s in idle_s:
        now_s += pace.due_in_s(now_s) + one_s
        pace = pace.wrote(now_s, False)
        assert 0 < pace.due_in_s(now_s) <= SLOWEST_S


@given(st.floats(0.1, 10), st.integers(2, 40))
def test_the_write_throttle_writes_ever_changing_numbers_once_a_minute(
    every_s: float, minutes: int
) -> None:
    pace, now_s, writes = WriteThrottle(), 0.0, 0
    while now_s < 60 * minutes:
        if not pace.due_in_s(now_s):
            pace, writes = pace.wrote(now_s, False), writes + 1
        now_s += every_s
    assert writes <= minutes + 5


def test_the_write_throttle_writes_numbers_at_once_after_a_quiet_period() -> None:
    pace = WriteThrottle(0.0, SLOWEST_S).wrote(1000.0, False)
    assert pace.due_in_s(1000.0) == FIRST_S
