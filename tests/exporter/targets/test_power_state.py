"""When a machine's power state is read again."""

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.targets.power_state import FALL, TRUSTED_READINGS, PowerStateMonitor


def settled(watts: float) -> PowerStateMonitor:
    doubt = PowerStateMonitor()
    doubt.confirmed_on(watts)
    return doubt


def test_watts_that_move_are_those_of_a_machine_that_is_on() -> None:
    doubt = settled(300)
    assert not any(doubt.needs_check(300 + step) for step in range(1, TRUSTED_READINGS + 1))


@given(st.floats(1, 5000))
def test_watts_that_repeat_are_looked_into(watts: float) -> None:
    assert settled(watts).needs_check(watts)


@given(st.floats(1, 5000), st.floats(0, FALL, exclude_max=True))
def test_watts_that_fall_are_looked_into(watts: float, share: float) -> None:
    assert settled(watts).needs_check(watts * share)


def test_watts_that_fall_little_by_little_are_looked_into() -> None:
    doubt = settled(300)
    falling = [300 * 0.95**step for step in range(1, 8)]
    assert any(doubt.needs_check(watts) for watts in falling)


def test_every_so_often_even_watts_that_move_are_looked_into() -> None:
    doubt = settled(300)
    assert [doubt.needs_check(300 + step) for step in range(1, TRUSTED_READINGS + 2)][-1]


@given(st.floats(1, 5000), st.integers(1, 20))
def test_no_watts_are_trusted_until_the_machine_is_confirmed_on(watts: float, times: int) -> None:
    never_confirmed, found_off = PowerStateMonitor(), settled(watts)
    assert found_off.needs_check(watts)
    for monitor in (never_confirmed, found_off):
        assert all(monitor.needs_check(watts + step) for step in range(times))
