"""The letters that Grid Engine writes for states of queue instances and jobs (qstat(1)).

A node is a host; it has a queue instance for each of its queues.
"""

from collections.abc import Sequence

from rackwatt_exporter.schedulers.model.job_state import JobState
from rackwatt_exporter.schedulers.model.node_state import NodeState
from rackwatt_exporter.schedulers.verdicts import Bar

_DRAIN = (NodeState.DRAINING, NodeState.DRAINED)
_ERROR = (NodeState.FAILING, NodeState.ERROR)
_SUSPENDED = (NodeState.ALLOCATED, "suspended")
_LOAD_ALARM = (NodeState.ALLOCATED, "load_alarm")
_UNREACHABLE = Bar(0, "unreachable", NodeState.NOT_RESPONDING, NodeState.NOT_RESPONDING)
_BARS = {
    "u": _UNREACHABLE,
    "E": Bar(1, "error", *_ERROR),
    "c": Bar(2, "ambiguous", *_ERROR),
    "d": Bar(3, "disabled", *_DRAIN),
    "D": Bar(4, "calendar_disabled", *_DRAIN),
    "o": Bar(5, "orphaned", *_DRAIN),
    "s": Bar(6, "suspended", *_SUSPENDED),
    "S": Bar(7, "subordinate_suspended", *_SUSPENDED),
    "C": Bar(8, "calendar_suspended", *_SUSPENDED),
    "A": Bar(9, "suspend_alarm", *_LOAD_ALARM),
    "a": Bar(10, "load_alarm", *_LOAD_ALARM),
}
_NO_QUEUE = Bar(11, "no_queue", NodeState.ALLOCATED, "no_queue")
_UNKNOWN_RANK = 12

_JOB_FLAGS = {
    "E": "error",
    "d": "deleted",
    "h": "held",
    "R": "restarted",
    "t": "transferring",
    "s": "suspended",
    "S": "queue_suspended",
    "T": "threshold_suspended",
}
_SUSPENDED_JOB = frozenset("sST")


def bars(instances: Sequence[str]) -> list[frozenset[Bar]]:
    """Return what keeps each queue instance of a node from taking jobs, by its letters.

    A host that is unreachable in one queue is so in all. One without queues takes no jobs either.
    """
    found = [frozenset(map(_bar, letters)) for letters in instances]
    every = frozenset[Bar]().union(*found)
    return [every] if _UNREACHABLE in every else found or [frozenset((_NO_QUEUE,))]


def running_state(letters: str) -> str:
    """Return the state of a job that has slots."""
    if "d" in letters:
        return JobState.COMPLETING
    if not _SUSPENDED_JOB.isdisjoint(letters):
        return JobState.SUSPENDED
    if "t" in letters:
        return JobState.CONFIGURING
    return JobState.RUNNING if "r" in letters else JobState.UNKNOWN


def waiting_state(letters: str) -> str:
    """Return the state of a job that waits."""
    if "E" in letters:
        return JobState.ERROR
    if "h" in letters:
        return JobState.HELD
    return JobState.PENDING if "q" in letters or "w" in letters else JobState.UNKNOWN


def job_flags(letters: str, state: str) -> tuple[str, ...]:
    """Return what else the letters of a job mean."""
    flags = dict.fromkeys(_JOB_FLAGS[one] for one in letters if one in _JOB_FLAGS)
    return tuple(flag for flag in flags if flag != state)


def _bar(letter: str) -> Bar:
    """Return what a letter means; one that is not known is a state of its own."""
    word = f"state_{ord(letter):x}"
    return _BARS.get(letter) or Bar(_UNKNOWN_RANK, word, NodeState.ALLOCATED, word)
