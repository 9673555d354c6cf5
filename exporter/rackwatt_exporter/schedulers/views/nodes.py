"""Families of a scheduler's nodes: how many there are in each state, and how many are unread."""

from collections import Counter
from collections.abc import Iterable, Iterator

from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import FamilyLines, line
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

SCHEDULER_LABELS = ("scheduler", "cluster")

NODES = MetricFamily(
    "rackwatt_scheduler_nodes",
    "gauge",
    "Number of nodes in each state, as the scheduler reports them.",
    (*SCHEDULER_LABELS, "state"),
)
UNREAD = MetricFamily(
    "rackwatt_scheduler_unread_nodes",
    "gauge",
    "Number of nodes of the scheduler's last answer whose state could not be read.",
    SCHEDULER_LABELS,
)
FAMILIES = (NODES, UNREAD)


def state_counts(snapshot: SchedulerSnapshot) -> Counter[str]:
    """Count nodes by state, each node once."""
    return Counter(node.state for node in snapshot.nodes.values())


def families(
    snapshots: Iterable[tuple[tuple[str, str], SchedulerSnapshot]],
) -> Iterator[FamilyLines]:
    """Go through the families with the lines of all snapshots, each with its labels."""
    nodes, unread = [], []
    for labels, snapshot in snapshots:
        counts = state_counts(snapshot).items()
        nodes += [line(NODES, (*labels, state), count) for state, count in counts]
        unread.append(line(UNREAD, labels, snapshot.unread))
    yield NODES, nodes
    yield UNREAD, unread
