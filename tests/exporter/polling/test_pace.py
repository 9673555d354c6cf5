from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.polling.pace import FIRST_SWEEP_S, Pace, first_due_s, next_due_s, place

PACE = Pace(interval_s=30, timeout_s=10, max_backoff_s=300)
names = st.text(min_size=1, max_size=20)
times = st.floats(0, 1e7)


@given(names, times)
def test_a_new_target_is_asked_soon(name: str, now_s: float) -> None:
    assert now_s <= first_due_s(name, PACE, now_s) <= now_s + FIRST_SWEEP_S


@given(names, times, st.floats(0.1, 3600))
def test_the_next_reading_comes_at_the_interval_give_or_take_half_of_it(
    name: str, now_s: float, interval_s: float
) -> None:
    wait_s = next_due_s(name, Pace(interval_s, 1, 300), now_s, failures=0) - now_s
    assert 0.49 * interval_s <= wait_s <= 1.56 * interval_s


@given(names, st.floats(0, 1e6), st.lists(st.floats(0, 0.4), min_size=3, max_size=10))
def test_readings_that_take_their_time_do_not_drift(
    name: str, now_s: float, took: list[float]
) -> None:
    dues = []
    for part in took:
        due_s = next_due_s(name, PACE, now_s, failures=0)
        dues.append(due_s)
        now_s = due_s + part * PACE.interval_s
    gaps = [after - before for before, after in pairwise(dues)]
    assert all(0.9 * PACE.interval_s <= gap <= 1.1 * PACE.interval_s for gap in gaps)


@given(names, times)
def test_failures_in_a_row_wait_longer_and_longer_up_to_a_bound(name: str, now_s: float) -> None:
    waits = [next_due_s(name, PACE, now_s, failures) - now_s for failures in range(1, 60)]
    assert waits[0] <= 1.06 * PACE.interval_s
    assert max(waits) <= PACE.max_backoff_s + 0.06 * PACE.interval_s
    assert waits[-1] >= PACE.max_backoff_s
    assert waits[1] > 1.8 * PACE.interval_s


def test_a_fleet_is_spread_evenly_over_its_interval() -> None:
    tenths = [0] * 10
    for number in range(10_000):
        tenths[int(10 * place(f"node{number:05}"))] += 1
    assert all(900 <= count <= 1100 for count in tenths)
