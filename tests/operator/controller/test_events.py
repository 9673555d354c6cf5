"""Changes of conditions that are recorded as events."""

from typing import Any

from rackwatt_operator.controller.events import transitions


def status(**conditions: str) -> dict[str, Any]:
    """Return a status with conditions given as `Ready="True Ready"`."""
    triples = ((name, *text.split()) for name, text in conditions.items())
    return {
        "conditions": [
            {"type": name, "status": holds, "reason": why} for name, holds, why in triples
        ]
    }


def news(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [one["type"] for one in transitions(before, after)]


STARTING = status(Available="False RolloutInProgress", Ready="False RolloutInProgress")
RUNNING = status(Available="True Available", Ready="True Ready")


def test_events_announce_the_end_of_a_start_alone() -> None:
    assert news({}, STARTING) == []
    assert news(STARTING, RUNNING) == ["Ready"]


def test_events_are_not_repeated_without_a_change() -> None:
    assert news(RUNNING, RUNNING) == []


def test_events_report_the_condition_that_fails_once_without_ready() -> None:
    taken = status(Available="False NameConflict", Ready="False NameConflict")
    assert news(RUNNING, taken) == ["Available"]
    assert news({}, taken) == ["Available"]
    assert news(taken, taken) == []


def test_events_report_ready_when_no_other_condition_explains_it() -> None:
    silent = status(Available="True Available", Ready="False NoTargetsReachable")
    assert news(RUNNING, silent) == ["Ready"]


def test_events_ignore_unknown_conditions() -> None:
    assert news(RUNNING, status(Available="True Available", Ready="Unknown Pending")) == []
