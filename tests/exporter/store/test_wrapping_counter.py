import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import MAX_DOMAIN_WATTS
from rackwatt_exporter.store.wrapping_counter import WrappingCounter

SPAN = 65712.999613  # of a real dram zone, 2^32 units of 15.3 µJ
BOOT, NEXT_BOOT = "0b5e", "77aa"


def turned(meter: WrappingCounter, *seen: tuple[float, float], boot: str = BOOT) -> WrappingCounter:
    """Update it with (seconds since boot, joules) in one process."""
    for at_s, joules in seen:
        meter.update(joules, SPAN, boot, at_s, 1e9)
    return meter


def stored(meter: WrappingCounter, for_s: float = 20.0) -> WrappingCounter:
    """Ceiling on disk, which bounds the served joules."""
    raised = meter.with_ceiling(for_s)
    meter.take_ceilings(raised)
    return msgspec.json.decode(msgspec.json.encode(raised), type=WrappingCounter)


def resumed(on_disk: WrappingCounter) -> WrappingCounter:
    meter = msgspec.json.decode(msgspec.json.encode(on_disk), type=WrappingCounter)
    meter.resume()
    return meter


def test_a_counter_has_no_joules_and_no_watts_at_its_first_reading() -> None:
    meter = turned(WrappingCounter(), (100.0, 5000.0))
    assert (meter.joules, meter.covered_s, meter.watts) == (0.0, 0.0, None)


def test_a_counter_has_the_watts_between_two_readings() -> None:
    meter = turned(WrappingCounter(), (100.0, 5000.0), (110.0, 6234.5))
    assert meter.joules == pytest.approx(1234.5)
    assert meter.watts == pytest.approx(123.45)
    assert meter.covered_s == 10.0


def test_a_counter_continues_across_a_wrap() -> None:
    meter = turned(WrappingCounter(), (0.0, 65000.0), (10.0, 300.0))
    assert meter.joules == pytest.approx(712.999613 + 300.0)  # by hand
    assert meter.watts == pytest.approx(101.2999613)
    turned(meter, (20.0, 1300.0), (40.0, 1290.0 + 10.0 + 20_000))
    assert meter.joules == pytest.approx(1012.999613 + 1000.0 + 20_000)


def test_a_counter_that_never_wraps_needs_no_span() -> None:
    meter = WrappingCounter()
    for at_s, joules in ((1.0, 5e9), (3601.0, 5e9 + 720_000)):
        meter.update(joules, math.inf, BOOT, at_s, 1e9)
    assert meter.watts == pytest.approx(200.0)


def test_a_counter_adds_nothing_for_a_reset_that_cannot_be_a_wrap() -> None:
    meter = turned(
        WrappingCounter(), (0.0, 30_000.0), (10.0, 31_000.0), (20.0, 50.0), (30.0, 1050.0)
    )
    assert meter.joules == pytest.approx(2000.0)
    assert meter.covered_s == 20.0
    assert meter.watts == pytest.approx(100.0)


def test_a_counter_adds_nothing_if_it_may_have_wrapped_twice() -> None:
    meter = turned(
        WrappingCounter(), (0.0, 1000.0), (44.0, 2000.0)
    )  # 44 s at 1500 W are more than the span
    assert (meter.joules, meter.covered_s, meter.watts) == (0.0, 0.0, None)
    turned(meter, (54.0, 3000.0))
    assert meter.joules == pytest.approx(1000.0)


def test_a_counter_that_does_not_advance_has_no_watts() -> None:
    meter = turned(WrappingCounter(), (0.0, 0.0), (10.0, 0.0), (20.0, 0.0))
    assert (meter.joules, meter.covered_s, meter.watts) == (0.0, 0.0, None)


def test_a_counter_loses_nothing_at_a_quick_restart() -> None:
    meter = turned(WrappingCounter(), (0.0, 64_000.0), (10.0, 65_000.0))
    after = turned(resumed(stored(meter)), (40.0, 287.000387))
    assert after.joules == pytest.approx(2000.0)
    assert after.covered_s == 40.0


@pytest.mark.parametrize(("at_s", "boot"), [(500.0, BOOT), (12.0, NEXT_BOOT), (500.0, NEXT_BOOT)])
def test_a_counter_continues_from_its_ceiling_after_a_slow_restart_or_a_reboot(
    at_s: float, boot: str
) -> None:
    meter = turned(WrappingCounter(), (0.0, 1000.0), (10.0, 3000.0))
    on_disk = stored(meter)
    assert on_disk.ceiling_joules == pytest.approx(2000.0 + 500.0 * 20)
    after = turned(resumed(on_disk), (at_s, 100.0), boot=boot)
    assert after.joules == on_disk.ceiling_joules
    turned(after, (at_s + 10, 1100.0), boot=boot)
    assert after.joules == pytest.approx(13_000.0)


def test_a_counter_has_a_tight_ceiling_after_the_last_save() -> None:
    meter = turned(WrappingCounter(), (0.0, 1000.0), (10.0, 3000.0))
    after = turned(resumed(stored(meter, for_s=0)), (5.0, 9.0), boot=NEXT_BOOT)
    assert (after.joules, after.covered_s) == (2000.0, 10.0)


def test_a_counter_keeps_its_ceiling_over_a_process_without_its_zone() -> None:
    on_disk = stored(turned(WrappingCounter(), (0.0, 1000.0), (10.0, 3000.0)))
    again = stored(resumed(on_disk), for_s=0)
    assert again.ceiling_joules == on_disk.ceiling_joules
    assert turned(resumed(again), (900.0, 1.0)).joules == on_disk.ceiling_joules


# A story of a machine: time that passes at some power, and what happens to the exporter meanwhile.
steps = st.lists(
    st.tuples(
        st.floats(0.01, 43.0),
        st.floats(0.01, MAX_DOMAIN_WATTS - 1),
        st.sampled_from(["look", "look", "look", "save", "kill", "reboot", "away"]),
    ),
    max_size=60,
)


@given(steps, st.floats(0, SPAN))
def test_a_counter_adds_the_joules_of_the_covered_time_and_never_falls(
    story: list[tuple[float, float, str]], start: float
) -> None:
    meter, on_disk, served, now_s, counter = WrappingCounter(), None, 0.0, 100.0, start
    boot, seen_s, unseen, used, reserves = 0, None, 0.0, 0.0, 0.0
    for step_s, watts, event in story:
        if event == "reboot":
            boot, now_s, counter = boot + 1, 1.0, 0.0
        now_s += step_s + (10_000 if event == "away" else 0)
        counter = math.fmod(counter + watts * step_s, SPAN)
        unseen += watts * step_s
        used += watts * step_s
        if event in ("kill", "reboot"):
            meter = resumed(on_disk) if on_disk else WrappingCounter()
            if on_disk is not None and on_disk.ceiling_joules is not None:
                reserves += on_disk.ceiling_joules - on_disk.joules
            unseen, seen_s = 0.0, None
            continue
        known = meter.joules
        meter.update(counter, SPAN, str(boot), now_s, 1e9)
        if seen_s is not None and 0 < MAX_DOMAIN_WATTS * (now_s - seen_s) < SPAN:
            assert meter.joules - known == pytest.approx(unseen, rel=1e-6, abs=1e-6)
        assert meter.joules <= used + reserves + 1e-3
        unseen, seen_s = 0.0, now_s
        if event == "save":
            on_disk = stored(meter)
        if on_disk is not None:
            assert meter.served_joules >= served - 1e-9
            served = meter.served_joules
