import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.store.ledger import EnergyAccount


def booked(account: EnergyAccount, *readings: tuple[float, float, float | None]) -> EnergyAccount:
    """Add (time, watts, counter) readings of one process whose clocks agree."""
    for at_s, watts, joules in readings:
        account.add(watts, joules, at_s, at_s + 1_000_000, longest_gap_s=30)
    return account


def restarted(account: EnergyAccount) -> EnergyAccount:
    account.resume()
    return account


def test_an_account_integrates_watts_by_the_trapezoid_rule() -> None:
    account = booked(EnergyAccount(), (0, 100, None), (10, 200, None), (20, 200, None))
    assert account.joules == pytest.approx(1500 + 2000)
    assert account.covered_s == 20


def test_an_account_adds_nothing_for_a_gap_longer_than_stale_after() -> None:
    account = booked(
        EnergyAccount(), (0, 100, None), (10, 100, None), (100, 100, None), (110, 100, None)
    )
    assert account.joules == pytest.approx(2000)
    assert account.covered_s == 20


def test_an_account_starts_at_the_bmcs_counter_and_adds_its_growth() -> None:
    account = booked(EnergyAccount(), (0, 100, 5e6), (10, 100, 5e6 + 900), (500, 100, 5e6 + 50_000))
    assert account.joules == 5e6 + 50_000
    assert account.covered_s == 500


def test_an_account_continues_after_a_reset_of_the_counter() -> None:
    account = booked(EnergyAccount(), (0, 100, 5e6), (10, 100, 5e6 + 1000), (20, 100, 400.0))
    assert account.joules == 5e6 + 1400


def test_an_account_adds_nothing_for_an_implausible_fall_of_the_counter() -> None:
    account = booked(EnergyAccount(), (0, 100, 5e6), (10, 100, 4.9e6), (20, 100, 4.9e6 + 1000))
    assert account.joules == 5e6 + 1000


def test_an_account_with_a_counter_adds_the_energy_of_a_downtime() -> None:
    account = booked(EnergyAccount(), (0, 100, 5e6))
    restarted(account)
    account.add(100, 5e6 + 7000, at_s=3, wall_s=1_000_070, longest_gap_s=30)
    assert account.joules == 5e6 + 7000
    assert account.covered_s == pytest.approx(70)


def test_an_account_without_a_counter_continues_from_its_ceiling_without_the_downtime() -> None:
    account = booked(EnergyAccount(), (0, 100, None), (10, 100, None))
    account.take_ceilings(account.with_ceiling(20))
    assert account.ceiling_joules == 1000 + 2 * 100 * 20 + 1000
    restarted(account)
    booked(account, (500, 100, None))
    assert account.joules == account.ceiling_joules
    booked(account, (510, 100, None))
    assert account.joules == account.ceiling_joules + 1000


def test_an_account_is_its_own_last_ceiling() -> None:
    account = booked(EnergyAccount(), (0, 100, None), (10, 100, None))
    assert account.with_ceiling(0).ceiling_joules == account.joules == 1000


def test_an_account_that_needs_no_ceiling_has_none() -> None:
    assert EnergyAccount().with_ceiling(10).ceiling_joules is None
    assert booked(EnergyAccount(), (0, 100, 5e6)).with_ceiling(10).ceiling_joules is None


steps = st.lists(
    st.tuples(
        st.floats(-5, 100),
        st.floats(0, 5000),
        st.none() | st.floats(0, 1e9),
        st.sampled_from(["read", "save", "kill"]),
    ),
    max_size=40,
)


@given(steps)
def test_served_joules_never_fall_whatever_clocks_counters_and_crashes_do(
    story: list[tuple[float, float, float | None, str]],
) -> None:
    account, on_disk = EnergyAccount(), EnergyAccount()
    clock_s, wall_s, served = 0.0, 1e6, 0.0
    for step_s, watts, joules, event in story:
        if event == "save":
            ceiling = account.with_ceiling(20).ceiling_joules
            on_disk = EnergyAccount(
                joules=account.joules,
                covered_s=account.covered_s,
                ceiling_joules=ceiling,
                counter_joules=account.counter_joules,
                watts=account.watts,
            )
            account.ceiling_joules = ceiling
        elif event == "kill" and on_disk.ceiling_joules is not None:
            account = restarted(on_disk)
            on_disk = EnergyAccount()
            clock_s = 0.0
        elif joules is None:
            clock_s, wall_s = clock_s + max(step_s, 0), wall_s + step_s
            account.add(watts, None, clock_s, wall_s, 90)
        if account.ceiling_joules is not None:  # what was never on disk dies with its process
            assert account.served_joules >= served
            served = account.served_joules


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5000), st.floats(0, 1e12)), max_size=30))
def test_an_account_never_falls_whatever_the_bmc_counts(
    readings: list[tuple[float, float, float]],
) -> None:
    account, at_s, before = EnergyAccount(), 0.0, 0.0
    for step_s, watts, joules in readings:
        at_s += step_s
        account.add(watts, joules, at_s, at_s, 90)
        assert math.isfinite(account.joules)
        assert account.joules >= before
        before = account.joules
