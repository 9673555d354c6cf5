"""What is news enough for an event."""

from typing import Any

from rackwatt_operator.controller.events import transitions


def status(**conditions: str) -> dict[str, Any]:
    """Write conditions as `Ready="True Ready"`."""
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


def test_a_start_is_announced_by_its_end() -> None:
    assert news({}, STARTING) == []
    assert news(STARTING, RUNNING) == ["Ready"]


def test_nothing_new_is_no_news() -> None:
    assert news(RUNNING, RUNNING) == []


def test_what_ceases_is_told_once_by_itself() -> None:
    taken = status(Available="False NameConflict", Ready="False NameConflict")
    assert news(RUNNING, taken) == ["Available"]
    assert news({}, taken) == ["Available"]
    assert news(taken, taken) == []


def test_readiness_that_only_it_can_tell_of_is_told_by_it() -> None:
    silent = status(Available="True Available", Ready="False NoTargetsReachable")
    assert news(RUNNING, silent) == ["Ready"]


def test_what_is_not_known_is_no_news() -> None:
    assert news(RUNNING, status(Available="True Available", Ready="Unknown Pending")) == []
