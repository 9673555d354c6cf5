"""Families of a scheduler's daemon, in seconds, and what our own user costs it."""

import msgspec
import pytest

from rackwatt_exporter.schedulers.model.diagnostics import Diagnostics
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.diagnostics import FAMILIES, samples
from tests.exporter.schedulers.snapshots import diagnostics


def numbers(value: Diagnostics | None, user: str = "rackwatt") -> dict[tuple[str, ...], float]:
    """Return the samples by the name of their family, without the common part, and labels."""
    snapshot = SchedulerSnapshot({}, diagnostics=value, user=user)
    return {
        (family.name.removeprefix("rackwatt_scheduler_"), *labels): number
        for family, labels, number in samples(snapshot)
    }


def test_times_are_in_seconds_and_sums_are_counters() -> None:
    found = numbers(diagnostics())
    assert found["cycle_last_seconds", "main"] == 0.275
    assert found["cycle_seconds_total", "backfill"] == 1.000001
    assert found["cycles_total", "backfill"] == 4
    assert found["cycle_exits_total", "main", "end_job_queue"] == 4
    assert found["rpc_seconds_total", "REQUEST_JOB_INFO"] == 0.9
    assert found["user_rpc_requests_total", "alice"] == 3
    assert found["daemon_jobs_total", "submitted"] == 13
    counters = [family for family in FAMILIES if family.name.endswith("_total")]
    assert all(family.kind == "counter" for family in counters)


@pytest.mark.parametrize("user", ["rackwatt", "990"])
def test_our_own_user_is_found_by_name_and_by_number_with_its_share_of_all_time(user: str) -> None:
    found = numbers(diagnostics(), user)
    assert found["own_rpc_requests_total",] == 3
    assert found["own_rpc_seconds_total",] == 0.5
    assert found["own_rpc_time_ratio",] == 0.25


@pytest.mark.parametrize("user", ["", "bob"])
def test_nothing_is_said_of_our_own_user_where_it_is_not_known_or_not_in_the_table(
    user: str,
) -> None:
    assert not [key for key in numbers(diagnostics(), user) if key[0].startswith("own_")]


def test_a_share_of_no_time_is_no_share() -> None:
    idle = msgspec.structs.replace(
        diagnostics(),
        rpcs_by_user=tuple(
            msgspec.structs.replace(row, time_us=0) for row in diagnostics().rpcs_by_user
        ),
    )
    found = numbers(idle)
    assert found["own_rpc_seconds_total",] == 0
    assert ("own_rpc_time_ratio",) not in found


def test_what_was_not_reported_has_no_series_and_diagnostics_that_are_not_known_have_none() -> None:
    assert numbers(Diagnostics(threads=0)) == {("daemon_threads",): 0}
    assert numbers(None) == {}
