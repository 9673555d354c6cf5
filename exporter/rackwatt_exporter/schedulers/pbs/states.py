"""The states of PBS's vnodes and jobs."""

import re
from collections.abc import Sequence
from typing import Any

from rackwatt_exporter.schedulers.model.fields import MAX_FLAGS
from rackwatt_exporter.schedulers.model.job_state import JobState
from rackwatt_exporter.schedulers.model.node_state import NodeState
from rackwatt_exporter.schedulers.pbs.values import text
from rackwatt_exporter.schedulers.verdicts import Bar

# A vnode with these words takes jobs, or has all that it can take.
_OPEN = frozenset({"free", "job-busy", "job-exclusive", "job-sharing", "reserve"})
_AT_WORK = frozenset({"job-busy", "job-exclusive", "job-sharing"})
_STATES: dict[str, tuple[str, str]] = {
    "down": (NodeState.DOWN, NodeState.DOWN),
    "unresolvable": (NodeState.ERROR, NodeState.ERROR),
    "state-unknown": (NodeState.UNKNOWN, NodeState.UNKNOWN),
    "unknown": (NodeState.UNKNOWN, NodeState.UNKNOWN),
    "stale": (NodeState.UNKNOWN, NodeState.UNKNOWN),
    "offline": (NodeState.DRAINING, NodeState.DRAINED),
    "offline-by-mom": (NodeState.DRAINING, NodeState.DRAINED),
    "maintenance": (NodeState.DRAINING, NodeState.MAINTENANCE),
    "sleep": (NodeState.POWERED_DOWN, NodeState.POWERED_DOWN),
    "initializing": (NodeState.ALLOCATED, "initializing"),
    "provisioning": (NodeState.ALLOCATED, "provisioning"),
    "wait-provisioning": (NodeState.ALLOCATED, "provisioning"),
    "resv-exclusive": (NodeState.ALLOCATED, NodeState.RESERVED),
    "busy": (NodeState.ALLOCATED, "busy"),
}
_RANKS = {word: rank for rank, word in enumerate(_STATES)}
_STRANGE = re.compile(r"[^a-z0-9]+")
_MAX_WORD = 40

_JOBS = {
    "Q": JobState.PENDING,
    "W": JobState.PENDING,
    "T": JobState.PENDING,
    "H": JobState.HELD,
    "R": JobState.RUNNING,
    "E": JobState.COMPLETING,
    "S": JobState.SUSPENDED,
    "U": JobState.SUSPENDED,
    "C": JobState.COMPLETED,
    "F": JobState.COMPLETED,
    "X": JobState.COMPLETED,
    "M": JobState.COMPLETED,
    "B": JobState.PENDING,
}
_JOB_FLAGS = {"W": "waiting_for_time", "T": "in_transit", "U": "user_active", "M": "moved"}


def words(state: Any) -> tuple[str, ...]:
    """Return the words of a vnode's state, such as `offline,job-busy`."""
    parts = (part.strip().lower().replace("_", "-") for part in text(state).split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def at_work(state: Sequence[str]) -> bool:
    """Return whether a vnode's state says that it has jobs."""
    return not _AT_WORK.isdisjoint(state)


def bars(state: Sequence[str]) -> frozenset[Bar]:
    """Return what keeps a vnode from taking jobs; a word that is not known does."""
    return frozenset(_bar(word) for word in state if word not in _OPEN)


def vnode_flags(states: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the words of all vnodes of a node, but for `free`."""
    found = dict.fromkeys(_plain(word) for state in states for word in state if word != "free")
    return tuple(filter(None, found))[:MAX_FLAGS]


def job_state(letter: str) -> tuple[str, tuple[str, ...]]:
    """Return the state and the flags of a job."""
    flag = _JOB_FLAGS.get(letter)
    return _JOBS.get(letter, JobState.UNKNOWN), (flag,) if flag else ()


def _bar(word: str) -> Bar:
    plain = _plain(word) or NodeState.UNKNOWN
    working, resting = _STATES.get(word, (NodeState.ALLOCATED, plain))
    return Bar(_RANKS.get(word, len(_RANKS)), plain, working, resting)


def _plain(word: str) -> str:
    return _STRANGE.sub("_", word)[:_MAX_WORD].strip("_")
