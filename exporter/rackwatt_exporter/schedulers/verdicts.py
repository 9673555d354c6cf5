"""State of a node decided from its parts: the queues of a host, the vnodes of a host.

A node takes jobs as long as one of its parts does. Where none does, the bar that counts first
decides, and whether the node has jobs.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.node_state import NodeState


class Bar(NamedTuple):
    """What keeps a part of a node from taking jobs; the lowest rank counts first.

    `at_work` is the state of a node that has jobs all the same, `at_rest` that of one without.
    """

    rank: int
    flag: str
    at_work: str
    at_rest: str


class Verdict(NamedTuple):
    """The state of a node, and its base state: whether it has jobs."""

    state: str
    base: str


def verdict(parts: Sequence[Collection[Bar]], at_work: bool | None) -> Verdict:
    """Decide on a node with these parts; `at_work` None where it is not known to have jobs."""
    base = {True: NodeState.ALLOCATED, False: NodeState.IDLE, None: NodeState.UNKNOWN}[at_work]
    if not parts or not all(parts):
        return Verdict(base, base)
    decisive = min(bar for bars in parts for bar in bars)
    if at_work is None and decisive.at_work != decisive.at_rest:
        return Verdict(NodeState.UNKNOWN, base)
    return Verdict(decisive.at_work if at_work else decisive.at_rest, base)


def flags(parts: Sequence[Collection[Bar]]) -> tuple[str, ...]:
    """Return the flags of all bars, the one that counts first in front."""
    found = sorted({bar for bars in parts for bar in bars})
    return tuple(dict.fromkeys(bar.flag for bar in found))
