"""What a node is doing, in one word, the same whichever scheduler and version spelled it.

Slurm says it as a base state with flags (`ALLOCATED+DRAIN`), as such a pair in JSON, or as one long
word with a suffix (`draining`, `idle*`). All three are sets of words here, and one order decides:
first what keeps the node from its work for good, then the work it has, then what keeps it from
taking any. Only a node with nothing against it is idle. A word that is not known, as a newer Slurm
may bring, is passed on as data; next to `idle` it wins, for then nobody knows the node is idle.
"""

import re
from enum import StrEnum
from functools import lru_cache


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

# What stands behind a state in Slurm's text, and the flag it means.
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
# Flags that say where a node comes from or what was asked of it, not what it does.
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


@lru_cache(256)
def state_of_text(text: str) -> str:
    """Read a state as sinfo and scontrol print it: `idle+drain`, `mixed-`, `draining@`.

    What is no word with suffixes is `unknown`.
    """
    found = _TEXT.match(text)
    if found is None:
        return NodeState.UNKNOWN
    words, suffixes = found.groups()
    return state_of_words((*words.split("+"), *(_SUFFIXES[suffix] for suffix in suffixes)))


@lru_cache(256)
def state_of_words(words: tuple[str, ...]) -> str:
    """Decide on one word for a base state and its flags, in any case and order."""
    said = {_SYNONYMS.get(word, word) for word in map(str.lower, words)}
    at_work = not said.isdisjoint(_AT_WORK)
    if not said.isdisjoint(("drain", "drained", "draining")):
        return NodeState.DRAINING if at_work else NodeState.DRAINED
    if not said.isdisjoint(("fail", "failing")):
        return NodeState.FAILING if at_work else NodeState.FAIL
    if {"down", "reboot_issued"} <= said:  # Slurm takes a node down for the time of its reboot
        return NodeState.REBOOTING
    strange = [(word, _plain(word)) for word in sorted(said - _KNOWN)]
    for word, state in (*_ORDER, *strange, *_READY):
        if word in said:
            return state
    return NodeState.UNKNOWN


def _plain(strange: str) -> str:
    return _STRANGE.sub("_", strange)[:_LONGEST_STRANGE]


def profile_state(state: str) -> str:
    """Reduce a state to the `allocated` or `idle` of power-exporter's dashboards.

    Every other state keeps its own word: a node that is down or unknown is not idle.
    """
    if state in _ALLOCATED:
        return NodeState.ALLOCATED
    return NodeState.IDLE if state in _IDLE else state
