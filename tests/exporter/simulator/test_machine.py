import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.simulator.machine import INSTALLED_S, SimulatedMachine
from rackwatt_exporter.simulator.workload import TURN_S

times = st.floats(INSTALLED_S, INSTALLED_S + 1e8)
shares = st.floats(0, 1)


def machine(phase: float = 0.3, restless: float = 0.0) -> SimulatedMachine:
    return SimulatedMachine("a", "127.0.0.1", 100, 500, phase, restless=restless)


@given(times, shares, shares)
def test_watts_stay_between_idle_and_peak(time_s: float, phase: float, restless: float) -> None:
    assert 100 <= machine(phase, restless).watts(time_s) <= 500.000001


@given(times, st.floats(1, 3600), shares)
def test_the_counter_grows_by_the_watts_over_the_time(
    time_s: float, for_s: float, restless: float
) -> None:
    one, steps = machine(0.3, restless), 400
    seen = [one.watts(time_s + for_s * (i + 0.5) / steps) for i in range(steps)]
    grown = one.joules(time_s + for_s) - one.joules(time_s)
    # A job that begins between two looks is off by half a step of what it changes.
    missed = restless * 400 * for_s / steps / 2 * (1 + for_s // TURN_S)
    assert grown == pytest.approx(sum(seen) / steps * for_s, rel=1e-3, abs=0.1 + missed)
    assert one.joules(INSTALLED_S) == 0


@given(times, shares)
def test_statistics_are_those_of_the_window_before(time_s: float, restless: float) -> None:
    message = machine(restless=restless).statistics(time_s, 60)
    assert message.minimum_watts is not None
    assert message.average_watts is not None
    assert message.maximum_watts is not None
    assert message.minimum_watts <= message.average_watts <= message.maximum_watts
    assert message.window_s == 60


def test_a_machine_at_work_changes_in_steps_and_another_at_other_times() -> None:
    def steps(one: SimulatedMachine) -> list[int]:
        looks = [one.watts(INSTALLED_S + 10 * i) for i in range(8640)]
        return [i for i in range(1, 8640) if abs(looks[i] - looks[i - 1]) > 20]

    busy = SimulatedMachine("a", "127.0.0.1", 100, 500, restless=0.6)
    other = SimulatedMachine("b", "127.0.0.2", 100, 500, restless=0.6)
    assert 20 < len(steps(busy)) < 70
    assert steps(busy) != steps(other)
    assert steps(machine()) == []
