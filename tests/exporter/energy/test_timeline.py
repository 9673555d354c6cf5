from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.energy.timeline import Timeline

READINGS = st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 10**12)), min_size=2, max_size=8)


def test_a_timeline_interpolates_between_readings_and_knows_nothing_outside_them() -> None:
    timeline = Timeline()
    assert timeline.at(1.0) is None
    for at_s, value in ((10.0, 1000), (20.0, 3000), (30.0, 3000)):
        timeline.add(at_s, value)
    assert [timeline.at(at_s) for at_s in (10.0, 15.0, 20.0, 25.0, 30.0)] == [
        1000, 2000, 3000, 3000, 3000,
    ]  # fmt: skip
    assert timeline.at(9.9) is None
    assert timeline.at(30.1) is None


def test_a_timeline_forgets_what_was_before_a_counter_that_decreased() -> None:
    timeline = Timeline()
    for at_s, value in ((10.0, 1000), (20.0, 3000), (30.0, 5)):
        timeline.add(at_s, value)
    assert timeline.at(25.0) is None
    assert timeline.at(30.0) == 5


def test_a_timeline_takes_a_reading_once() -> None:
    timeline = Timeline()
    timeline.add(10.0, 1)
    timeline.add(10.0, 9)
    timeline.add(9.0, 9)
    assert timeline.at(10.0) == 1


@given(READINGS, st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_a_timeline_never_decreases_and_meets_its_readings(
    steps: list[tuple[float, int]], fractions: list[float]
) -> None:
    timeline, at_s, value = Timeline(), 0.0, 0
    points = []
    for step_s, increase in steps:
        at_s, value = at_s + step_s, value + increase
        timeline.add(at_s, value)
        points.append((at_s, value))
    assert all(timeline.at(moment_s) == known for moment_s, known in points)
    first_s, last_s = points[0][0], points[-1][0]
    moments = sorted(min(first_s + each * (last_s - first_s), last_s) for each in fractions)
    values = [timeline.at(moment_s) or 0 for moment_s in moments]
    assert values == sorted(values)
