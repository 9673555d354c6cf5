import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.simulator.machine import INSTALLED_S, Machine

times = st.floats(INSTALLED_S, INSTALLED_S + 1e8)


@given(times, st.floats(0, 1))
def test_watts_stay_between_idle_and_peak(time_s: float, phase: float) -> None:
    watts = Machine("a", "127.0.0.1", 100, 500, phase).watts(time_s)
    assert 100 <= watts <= 500


@given(times, st.floats(1, 3600))
def test_the_counter_grows_by_the_watts_over_the_time(time_s: float, for_s: float) -> None:
    machine = Machine("a", "127.0.0.1", 100, 500, 0.3)
    steps = [machine.watts(time_s + for_s * (i + 0.5) / 200) for i in range(200)]
    grown = machine.joules(time_s + for_s) - machine.joules(time_s)
    assert grown == pytest.approx(sum(steps) / 200 * for_s, rel=1e-3, abs=0.1)
    assert machine.joules(INSTALLED_S) == 0


def test_statistics_are_those_of_the_window_before() -> None:
    machine = Machine("a", "127.0.0.1", 100, 500, 0.3)
    told = machine.statistics(INSTALLED_S + 1e6, 60)
    assert told.minimum_watts is not None
    assert told.average_watts is not None
    assert told.maximum_watts is not None
    assert told.minimum_watts <= told.average_watts <= told.maximum_watts
    assert told.window_s == 60
