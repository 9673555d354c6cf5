from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.polling.schedule import (
    FEW_PER_S,
    FIRST_CONTACTS_PER_S,
    FIRST_SWEEP_S,
    TICK_S,
    PollSchedule,
    align_to_tick_s,
    first_poll_at_s,
    next_poll_at_s,
    offset,
)

PACE = PollSchedule(interval_s=30, timeout_s=10, max_backoff_s=300)
names = st.text(min_size=1, max_size=20)
times = st.floats(0, 1e7)


@given(names, times, st.integers(1, 10_000))
def test_first_due_s_is_soon_for_a_new_target(name: str, now_s: float, fleet: int) -> None:
    due_s = first_poll_at_s(name, replace(PACE, fleet_size=fleet), now_s)
    assert now_s <= due_s <= now_s + min(FIRST_SWEEP_S, fleet / FEW_PER_S) + 1e-6


def test_first_due_s_spreads_a_medium_fleet_over_the_first_sweep() -> None:
    pace = replace(PACE, fleet_size=200)
    due = sorted(first_poll_at_s(f"n{number:03}", pace, 0) for number in range(pace.fleet_size))
    assert 0.95 * FIRST_SWEEP_S < due[-1] <= FIRST_SWEEP_S


def test_first_due_s_limits_a_large_fleet_to_a_thousand_first_contacts_a_second() -> None:
    pace = replace(PACE, interval_s=10, fleet_size=50_000)
    due = sorted(first_poll_at_s(f"n{number:05}", pace, 0) for number in range(pace.fleet_size))
    assert 49 < due[-1] <= 50
    seconds = Counter(int(due_s) for due_s in due)
    assert max(seconds.values()) < 1.2 * FIRST_CONTACTS_PER_S


@given(names, times, st.floats(0.1, 3600), st.lists(st.floats(0, 0.8), min_size=30, max_size=30))
def test_next_due_s_keeps_the_interval_however_long_reads_take_and_converges_to_the_offset(
    name: str, start_s: float, interval_s: float, took: list[float]
) -> None:
    pace = PollSchedule(interval_s, 1, 300)
    due_s, gaps = start_s, []
    for part in took:
        next_s = next_poll_at_s(name, pace, due_s, due_s + part * interval_s, failures=0)
        gaps.append((next_s - due_s) / interval_s)
        due_s = next_s
    assert all(0.84 <= gap <= 1.16 for gap in gaps)
    from_place = (due_s / interval_s - offset(name)) % 1
    assert min(from_place, 1 - from_place) <= 0.06


@given(names, times)
def test_next_due_s_is_now_after_a_suspension_and_does_not_catch_up_missed_reads(
    name: str, due_s: float
) -> None:
    now_s = due_s + 100 * PACE.interval_s
    late_s = next_poll_at_s(name, PACE, due_s, now_s, failures=0)
    assert late_s == now_s
    assert next_poll_at_s(name, PACE, late_s, now_s, failures=0) > now_s + 0.8 * PACE.interval_s


@given(names, times)
def test_next_due_s_backs_off_exponentially_up_to_a_bound(name: str, now_s: float) -> None:
    waits = [next_poll_at_s(name, PACE, 0, now_s, failures) - now_s for failures in range(1, 60)]
    assert waits[0] <= 1.06 * PACE.interval_s
    assert max(waits) <= PACE.max_backoff_s + 0.06 * PACE.interval_s
    assert waits[-1] >= PACE.max_backoff_s - 0.001
    assert waits[1] > 1.8 * PACE.interval_s


def test_place_spreads_a_fleet_evenly_over_its_interval() -> None:
    tenths = [0] * 10
    for number in range(10_000):
        tenths[int(10 * offset(f"node{number:05}"))] += 1
    assert all(900 <= count <= 1100 for count in tenths)


@given(times, times)
def test_beat_s_is_the_next_beat_after_a_due_time(due_s: float, later_s: float) -> None:
    assert due_s - 1e-6 <= align_to_tick_s(due_s) < due_s + TICK_S + 1e-6
    assert (align_to_tick_s(due_s) <= align_to_tick_s(later_s)) or due_s > later_s


def test_first_due_s_puts_a_fleet_into_few_beats() -> None:
    pace = replace(PACE, fleet_size=10_000)
    beats = {
        align_to_tick_s(first_poll_at_s(f"node{number:05}", pace, 1000.0))
        for number in range(pace.fleet_size)
    }
    assert len(beats) <= FIRST_SWEEP_S / TICK_S + 1
