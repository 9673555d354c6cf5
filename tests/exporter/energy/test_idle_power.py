import random

import pytest

from rackwatt_exporter.energy.idle_power import IdlePower


def observed(*samples: tuple[float, float], duration_s: float = 30.0) -> IdlePower:
    fit = IdlePower()
    for busy, watts in samples:
        fit.observe(busy, watts, duration_s)
    return fit


def test_idle_power_is_unknown_under_a_constant_load() -> None:
    assert IdlePower().watts is None
    assert observed(*[(1.0, 400.0)] * 100).watts is None


def test_idle_power_is_what_an_idle_machine_draws() -> None:
    assert observed(*[(0.01, 120.0)] * 10).watts == pytest.approx(120.0)


def test_idle_power_is_the_intercept_once_the_load_has_varied() -> None:
    noise = random.Random(1)
    samples = [
        (busy, 110.0 + 290.0 * busy + noise.gauss(0, 3))
        for busy in (noise.uniform(0.1, 1.0) for _ in range(400))
    ]
    assert observed(*samples).watts == pytest.approx(110.0, abs=3.0)


def test_idle_power_never_exceeds_the_lowest_power_seen() -> None:
    concave = [(busy / 10, 300 + 100 * (busy / 10) ** 0.2) for busy in range(2, 11)] * 20
    assert (observed((0.0, 150.0), *concave).watts or 0.0) <= 200.0


def test_idle_power_follows_a_machine_that_has_changed() -> None:
    before = [(0.2, 200.0), (0.8, 400.0)] * 500
    after = [(0.2, 300.0), (0.8, 500.0)] * 50_000
    assert observed(*before, *after).watts == pytest.approx(233.3, abs=5.0)
