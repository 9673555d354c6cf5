"""The letters that Grid Engine writes for states of queue instances and jobs (qstat(1)).

A node is a host; it has a queue instance for each of its queues. Each letter is a flag of the node,
and decides on its state where no queue instance could take a job.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.job_state import JobState
from rackwatt_exporter.schedulers.model.node_state import NodeState


class _Letter(NamedTuple):
    """Its flag, and the state of a node with it that has jobs, and of one that has none."""

    flag: str
    at_work: str
    at_rest: str


# The one that counts first comes first.
_LETTERS = {
    "u": _Letter("unreachable", NodeState.NOT_RESPONDING, NodeState.NOT_RESPONDING),
    "E": _Letter("error", NodeState.FAILING, NodeState.ERROR),
    "c": _Letter("ambiguous", NodeState.FAILING, NodeState.ERROR),
    "d": _Letter("disabled", NodeState.DRAINING, NodeState.DRAINED),
    "D": _Letter("calendar_disabled", NodeState.DRAINING, NodeState.DRAINED),
    "o": _Letter("orphaned", NodeState.DRAINING, NodeState.DRAINED),
    "s": _Letter("suspended", NodeState.ALLOCATED, "suspended"),
    "S": _Letter("subordinate_suspended", NodeState.ALLOCATED, "suspended"),
    "C": _Letter("calendar_suspended", NodeState.ALLOCATED, "suspended"),
    "A": _Letter("suspend_alarm", NodeState.ALLOCATED, "load_alarm"),
    "a": _Letter("load_alarm", NodeState.ALLOCATED, "load_alarm"),
}
_ORDER = tuple(_LETTERS.values())
_UNREACHABLE = _LETTERS["u"]  # of the host, and so of each of its queues
NO_QUEUE = "no_queue"

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
_SUSPENDED = frozenset("sST")


class NodeVerdict(NamedTuple):
    """The state of a node, and the base state and flags that it was decided from."""

    state: str
    base: str
    flags: tuple[str, ...]


def node_verdict(instances: Sequence[str], at_work: bool | None) -> NodeVerdict:
    """Decide on a node from the letters of each of its queue instances.

    `at_work` is whether it has jobs, None where that is not known. A node without queues is in a
    state of its own: nothing can run there.
    """
    letters = [[_letter(one) for one in words] for words in instances]
    every = {letter for words in letters for letter in words}
    flags = tuple(letter.flag for letter in _sorted(every))
    base = {True: NodeState.ALLOCATED, False: NodeState.IDLE, None: NodeState.UNKNOWN}[at_work]
    decisive = _sorted(every)[0] if every else None
    if decisive is not _UNREACHABLE and not (letters and all(letters)):
        decisive = None  # a queue without a letter takes jobs
    if decisive is not None and (decisive is _UNREACHABLE or at_work is not None):
        return NodeVerdict(decisive.at_work if at_work else decisive.at_rest, base, flags)
    return NodeVerdict(base if letters or at_work else NO_QUEUE, base, flags)


def running_state(letters: str) -> str:
    """Return the state of a job that has slots."""
    if "d" in letters:
        return JobState.COMPLETING
    if not _SUSPENDED.isdisjoint(letters):
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


def _letter(letter: str) -> _Letter:
    """Return what a letter means; one that is not known is a state of its own."""
    if letter in _LETTERS:
        return _LETTERS[letter]
    word = f"state_{ord(letter):x}"
    return _Letter(word, NodeState.ALLOCATED, word)


def _sorted(letters: Iterable[_Letter]) -> list[_Letter]:
    known = {letter: index for index, letter in enumerate(_ORDER)}
    return sorted(letters, key=lambda letter: (known.get(letter, len(known)), letter))
