"""Hosts as bhosts prints them, made into nodes. The CPUs of a node are its job slots."""

from collections.abc import Iterator

from rackwatt_exporter.schedulers.json_commands import Nodes
from rackwatt_exporter.schedulers.json_records import Record, count, parse_records, word
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import NodeState, ParsedState, normalize_state
from rackwatt_exporter.schedulers.model.resources import Resources

COLUMNS = ("host_name", "status", "max", "njobs")
# LSF's words of a host, and ours: `ok`, and most that are closed, depend on the host's jobs.
_WORDS = {
    "closed_adm": "drain",
    "unavail": str(NodeState.DOWN),
    "unreach": str(NodeState.NOT_RESPONDING),
}
# A host in one of these takes no more jobs because of those that it has.
_CLOSED_BY_JOBS = frozenset({"closed_full", "closed_excl", "closed_cu_excl"})


def parse_nodes(output: bytes) -> Nodes:
    """Parse what bhosts printed for COLUMNS.

    Raises:
        ReadError: bad_reply.
    """
    named = parse_records(output, "bhosts", _node, "RECORDS")
    return Nodes(dict(named.made), named.unread)


def _node(host: Record) -> tuple[str, SchedulerNode] | None:
    """Make a node with its name; None of a record that has none."""
    name = word(host.get("HOST_NAME"))
    if not name:
        return None
    jobs = count(host.get("NJOBS"))
    slots = count(host.get("MAX"))
    return name, SchedulerNode(
        *_state(host, jobs),
        total=None if slots is None else Resources(slots),
        allocated=None if jobs is None else Resources(jobs),
    )


def _state(host: Record, jobs: int | None) -> ParsedState:
    return normalize_state(tuple(_words(word(host.get("STATUS")).lower(), jobs)))


def _words(status: str, jobs: int | None) -> Iterator[str]:
    """Yield the words of a state. A host whose number of jobs is not known is not idle."""
    if jobs:
        yield str(NodeState.ALLOCATED)
    if status == "ok":
        yield str(NodeState.UNKNOWN if jobs is None else NodeState.IDLE)
    elif not status:
        yield str(NodeState.UNKNOWN)
    elif not (jobs and status in _CLOSED_BY_JOBS):
        yield _WORDS.get(status, status)
