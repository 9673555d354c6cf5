"""Nodes as `flux resource` prints them: what the scheduler says of them, and the administrator.

`flux resource list` has what is free, allocated and down for the scheduler; a node of which a part
is allocated is in two of them. `flux resource status` says why a node is down: it is drained,
excluded or offline.
"""

import re
from collections import defaultdict
from collections.abc import Set

from rackwatt_crds.hostlist import expand
from rackwatt_exporter.protocols.command.process import one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.json_commands import Nodes
from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import NodeState, normalize_state

# Each line is `state|nodes|`: a greeting before it is none.
LIST = ("--no-header", "-s", "free,allocated,down", "-o", "{state}|{nodelist}|")
STATUS = ("--no-header", "-o", "{state}|{nodelist}|")
_LINE = re.compile(r"([a-z_]{1,40})(\*?)\s*\|\s*([^|\s]*)\s*\|\s*$", re.MULTILINE)
_OFFLINE = "offline"
_UP = frozenset({"avail", "online"})
_WORDS = {"drained": "drain", _OFFLINE: str(NodeState.DOWN)}


def parse_nodes(scheduled: bytes, administered: bytes) -> Nodes:
    """Parse what `flux resource list` printed for LIST, and `flux resource status` for STATUS.

    Raises:
        ReadError: bad_reply where one of them has no line of theirs.
    """
    states, unread = _states(scheduled, "flux resource list")
    causes, more_unread = _states(administered, "flux resource status")
    nodes = {
        node: SchedulerNode(*normalize_state(_words(states[node], causes[node])))
        for node in (states | causes)
    }
    return Nodes(nodes, unread + more_unread)


def _states(output: bytes, command: str) -> tuple[defaultdict[str, set[str]], int]:
    """Return the states of each node, and how many lists of nodes could not be read."""
    states: defaultdict[str, set[str]] = defaultdict(set)
    unread = 0
    text = output.decode("utf-8", "replace")
    lines = _LINE.findall(text)
    if not lines:
        shown = one_line(text, 0) if text.strip() else "nothing"
        raise ReadError(Reason.BAD_REPLY, f"not what {command} prints: {shown}")
    for state, offline, nodes in lines:
        try:
            names = [name(node) for node in expand(nodes)] if nodes else []
        except ValueError:
            unread += 1
            continue
        for node in names:
            states[node] |= {state, _OFFLINE} if offline else {state}
    return states, unread


def _words(scheduled: Set[str], administered: Set[str]) -> tuple[str, ...]:
    """Return the words of a node; the administrator's are why it is down for the scheduler."""
    words = {_WORDS.get(state, state) for state in administered - _UP}
    if "allocated" in scheduled:
        words.add(str(NodeState.MIXED if "free" in scheduled else NodeState.ALLOCATED))
    elif not words and scheduled == {"free"}:
        words.add(str(NodeState.IDLE))
    elif not words:
        words |= scheduled - {"free"}
    return tuple(sorted(words))
