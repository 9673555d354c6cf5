"""State of a node in one word, the same for every scheduler and version.

Slurm says it as a base state with flags (`ALLOCATED+DRAIN`), as such a pair in JSON, or as one long
word with a suffix (`draining`, `idle*`). All three are sets of words here, and one order decides:
first what keeps the node from its work for good, then the work it has, then what keeps it from
taking any. Only a node with nothing against it is idle. A word that is not known, as a newer Slurm
may bring, is passed on as data; next to `idle` it wins: the node is not known to be idle.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class NodeState(StrEnum):
    """The words we know. A state is one of them, or a scheduler's own word in lower case."""

    ALLOCATED = "allocated"
    MIXED = "mixed"
    COMPLETING = "completing"
    DRAINING = "draining"
    FAILING = "failing"
    IDLE = "idle"
    PLANNED = "planned"
    RESERVED = "reserved"
    MAINTENANCE = "maintenance"
    BLOCKED = "blocked"
    DRAINED = "drained"
    DOWN = "down"
    FAIL = "fail"
    ERROR = "error"
    FUTURE = "future"
    UNKNOWN = "unknown"
    INVALID_REG = "invalid_reg"
    EXTERNAL = "external"
    POWERED_DOWN = "powered_down"
    POWERING_DOWN = "powering_down"
    POWERING_UP = "powering_up"
    REBOOTING = "rebooting"
    NOT_RESPONDING = "not_responding"


_ALLOCATED = frozenset(
    {
        NodeState.ALLOCATED,
        NodeState.MIXED,
        NodeState.COMPLETING,
        NodeState.DRAINING,
        NodeState.FAILING,
    }
)
_IDLE = frozenset(
    {
        NodeState.IDLE,
        NodeState.PLANNED,
        NodeState.RESERVED,
        NodeState.MAINTENANCE,
        NodeState.BLOCKED,
    }
)

# Suffixes of a state in Slurm's text, and the flags that they mean.
_SUFFIXES = {
    "*": "not_responding",
    "~": "powered_down",
    "#": "powering_up",
    "!": "power_down",
    "%": "powering_down",
    "$": "maintenance",
    "@": "reboot_requested",
    "^": "reboot_issued",
    "-": "planned",
}
# Words that other versions, or the long form, spell in another way.
_SYNONYMS = {
    "maint": "maintenance",
    "inval": "invalid_reg",
    "reboot": "reboot_issued",
    "power": "powered_down",
    "no_respond": "not_responding",
}
# Flags that say where a node comes from or what was requested, not what it does.
_SILENT = frozenset(
    {
        "",
        "cloud",
        "dynamic_norm",
        "dynamic_future",
        "invalid",
        "power_down",
        "power_drain",
        "power_up",
        "reboot_canceled",
        "reboot_requested",
        "resume",
        "undrain",
    }
)
_AT_WORK = frozenset({"allocated", "mixed", "completing", "draining", "failing"})
# The first of these that a node has is its state; `drain` and `fail` are decided before.
_ORDER = (
    ("down", NodeState.DOWN),
    ("error", NodeState.ERROR),
    ("future", NodeState.FUTURE),
    ("unknown", NodeState.UNKNOWN),
    ("allocated", NodeState.ALLOCATED),
    ("completing", NodeState.COMPLETING),
    ("mixed", NodeState.MIXED),
    ("invalid_reg", NodeState.INVALID_REG),
    ("external", NodeState.EXTERNAL),
    ("powered_down", NodeState.POWERED_DOWN),
    ("powering_down", NodeState.POWERING_DOWN),
    ("powering_up", NodeState.POWERING_UP),
    ("reboot_issued", NodeState.REBOOTING),
    ("not_responding", NodeState.NOT_RESPONDING),
)
# Without any of these, and without a word we do not know, the node could work; the first says why
# it is not given any.
_READY = (
    ("maintenance", NodeState.MAINTENANCE),
    ("reserved", NodeState.RESERVED),
    ("planned", NodeState.PLANNED),
    ("blocked", NodeState.BLOCKED),
    ("idle", NodeState.IDLE),
)
_KNOWN = frozenset(word for word, _ in _ORDER + _READY) | _SILENT
_TEXT = re.compile(r"([a-z_0-9+]+)([*~#!%$@^-]*)\Z", re.IGNORECASE)
_STRANGE = re.compile(r"[^a-z0-9_]+")
_LONGEST_STRANGE = 40
_MAX_FLAGS = 64
# Slurm's base states: a node has one of them, and any number of flags.
_BASES = frozenset({"allocated", "down", "error", "future", "idle", "mixed", "unknown"})
_FLAG_OF_LONG = {"drained": "drain", "draining": "drain", "failing": "fail"}


class ParsedState(NamedTuple):
    """One word for what a node does, and the base state and flags that it was decided from.

    `base` is None where the text names none, as `draining` does.
    """

    state: str
    base: str | None
    flags: tuple[str, ...]


@lru_cache(256)
def parse_state(text: str) -> ParsedState:
    """Parse a state as sinfo and scontrol print it: `idle+drain`, `mixed-`, `draining@`.

    What is no word with suffixes is `unknown`.
    """
    match = _TEXT.match(text)
    if match is None:
        return ParsedState(NodeState.UNKNOWN, None, ())
    words, suffixes = match.groups()
    return normalize_state((*words.split("+"), *(_SUFFIXES[suffix] for suffix in suffixes)))


@lru_cache(256)
def normalize_state(words: tuple[str, ...]) -> ParsedState:
    """Parse a base state and its flags, in any case and order."""
    spelled = [_SYNONYMS.get(word, word) for word in map(str.lower, words)]
    base = next((word for word in spelled if word in _BASES), None)
    flags = tuple(dict.fromkeys(_flags(spelled, base)))[:_MAX_FLAGS]
    return ParsedState(_decide(frozenset(spelled)), base, flags)


def _flags(words: list[str], base: str | None) -> Iterator[str]:
    """Go through the flags; a long word such as `draining` is the flag that made it."""
    for word in words:
        if word and word != base:
            yield _plain(_FLAG_OF_LONG.get(word, word))


def _decide(words: frozenset[str]) -> str:
    """Decide on one word."""
    at_work = not words.isdisjoint(_AT_WORK)
    if not words.isdisjoint(("drain", "drained", "draining")):
        return NodeState.DRAINING if at_work else NodeState.DRAINED
    if not words.isdisjoint(("fail", "failing")):
        return NodeState.FAILING if at_work else NodeState.FAIL
    if {"down", "reboot_issued"} <= words:  # Slurm takes a node down for the time of its reboot
        return NodeState.REBOOTING
    strange = [(word, _plain(word)) for word in sorted(words - _KNOWN)]
    for word, state in (*_ORDER, *strange, *_READY):
        if word in words:
            return state
    return NodeState.UNKNOWN


def _plain(strange: str) -> str:
    return _STRANGE.sub("_", strange)[:_LONGEST_STRANGE]


def power_exporter_state(state: str) -> str:
    """Reduce a state to the `allocated` or `idle` of power-exporter's dashboards.

    Every other state keeps its own word: a node that is down or unknown is not idle.
    """
    if state in _ALLOCATED:
        return NodeState.ALLOCATED
    return NodeState.IDLE if state in _IDLE else state
