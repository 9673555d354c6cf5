"""The letters of queue instances and jobs, and what hosts and jobs they make."""

import pytest

from rackwatt_exporter.schedulers.gridengine.letters import (
    bars,
    job_flags,
    running_state,
    waiting_state,
)
from rackwatt_exporter.schedulers.verdicts import flags, verdict


@pytest.mark.parametrize(
    ("letters", "at_work", "state"),
    [
        ([""], False, "idle"),
        ([""], True, "allocated"),
        ([""], None, "unknown"),
        (["d"], True, "draining"),
        (["D"], False, "drained"),
        (["o"], True, "draining"),
        (["E"], True, "failing"),
        (["c"], False, "error"),
        (["s"], True, "allocated"),
        (["S"], False, "suspended"),
        (["C"], False, "suspended"),
        (["a"], True, "allocated"),
        (["A"], False, "load_alarm"),
        (["du"], True, "not_responding"),
        (["du"], None, "not_responding"),
        (["d"], None, "unknown"),
        (["aE", "d"], False, "error"),
        (["d", ""], False, "idle"),
        (["d", ""], True, "allocated"),
        (["u", ""], False, "not_responding"),
        (["X"], False, "state_58"),
        (["X"], True, "allocated"),
        ([], False, "no_queue"),
        ([], None, "unknown"),
        ([], True, "allocated"),
    ],
)
def test_a_node_is_in_the_state_that_all_its_queues_make(
    letters: list[str], at_work: bool | None, state: str
) -> None:
    assert verdict(bars(letters), at_work).state == state


def test_a_node_has_the_flags_of_every_queue() -> None:
    assert flags(bars(["ad", "E"])) == ("error", "disabled", "load_alarm")


@pytest.mark.parametrize(
    ("letters", "state", "flags"),
    [
        ("r", "running", ()),
        ("Rr", "running", ("restarted",)),
        ("t", "configuring", ("transferring",)),
        ("dr", "completing", ("deleted",)),
        ("s", "suspended", ()),
        ("S", "suspended", ("queue_suspended",)),
        ("T", "suspended", ("threshold_suspended",)),
        ("", "unknown", ()),
    ],
)
def test_a_job_with_slots_is_in_the_state_of_its_letters(
    letters: str, state: str, flags: tuple[str, ...]
) -> None:
    assert (running_state(letters), job_flags(letters, state)) == (state, flags)


@pytest.mark.parametrize(
    ("letters", "state", "flags"),
    [
        ("qw", "pending", ()),
        ("hqw", "held", ()),
        ("hRwq", "held", ("restarted",)),
        ("Eqw", "error", ()),
        ("Ehqw", "error", ("held",)),
        ("dqw", "pending", ("deleted",)),
        ("", "unknown", ()),
    ],
)
def test_a_job_that_waits_is_in_the_state_of_its_letters(
    letters: str, state: str, flags: tuple[str, ...]
) -> None:
    assert (waiting_state(letters), job_flags(letters, state)) == (state, flags)
