"""Families of a scheduler's nodes: their states and reasons, and what is allocated of them."""

from collections import Counter
from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.node_state import NodeState
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_NODE = (*SCHEDULER_LABELS, "node")
_KNOWN_STATES = frozenset(NodeState)

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
UNKNOWN = MetricFamily(
    "rackwatt_scheduler_unknown_state_nodes",
    "gauge",
    "Number of nodes in a state that this release does not know; it is served as it is.",
    SCHEDULER_LABELS,
)
NODE_STATE = MetricFamily(
    "rackwatt_scheduler_node_state",
    "gauge",
    "1 for the current state of a node of the scheduler, whether it is a target or not.",
    (*_NODE, "state"),
)
NODE_REASON = MetricFamily(
    "rackwatt_scheduler_node_reason_info",
    "gauge",
    "1, with the reason why the node is out of service.",
    (*_NODE, "reason"),
)
NODE_REASON_SINCE = MetricFamily(
    "rackwatt_scheduler_node_reason_timestamp_seconds",
    "gauge",
    "Unix time at which the reason was set.",
    _NODE,
    "seconds",
)
NODE_CPUS = MetricFamily(
    "rackwatt_scheduler_node_cpus", "gauge", "Number of CPUs that can be allocated.", _NODE
)
NODE_CPUS_ALLOCATED = MetricFamily(
    "rackwatt_scheduler_node_allocated_cpus", "gauge", "Number of CPUs that jobs hold.", _NODE
)
NODE_MEMORY = MetricFamily(
    "rackwatt_scheduler_node_memory_bytes",
    "gauge",
    "Memory that can be allocated.",
    _NODE,
    "bytes",
)
NODE_MEMORY_ALLOCATED = MetricFamily(
    "rackwatt_scheduler_node_allocated_memory_bytes",
    "gauge",
    "Memory that jobs hold.",
    _NODE,
    "bytes",
)
NODE_GPUS = MetricFamily(
    "rackwatt_scheduler_node_gpus",
    "gauge",
    "Number of GPUs that can be allocated, by type.",
    (*_NODE, "type"),
)
NODE_GPUS_ALLOCATED = MetricFamily(
    "rackwatt_scheduler_node_allocated_gpus",
    "gauge",
    "Number of GPUs that jobs hold, by type; 0 for a type of which none is held.",
    (*_NODE, "type"),
)
FAMILIES = (
    NODES, UNREAD, UNKNOWN, NODE_STATE, NODE_REASON, NODE_REASON_SINCE, NODE_CPUS,
    NODE_CPUS_ALLOCATED, NODE_MEMORY, NODE_MEMORY_ALLOCATED, NODE_GPUS, NODE_GPUS_ALLOCATED,
)  # fmt: skip


def state_counts(snapshot: SchedulerSnapshot) -> Counter[str]:
    """Count nodes by state, each node once."""
    return Counter(node.state for node in snapshot.nodes.values())


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of nodes by state."""
    counts = state_counts(snapshot)
    for state, count in counts.items():
        yield Sample(NODES, (state,), count)
    yield Sample(UNREAD, (), snapshot.unread)
    yield Sample(UNKNOWN, (), sum(n for state, n in counts.items() if state not in _KNOWN_STATES))


def node_samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of each node; what was not reported has none."""
    for name, node in snapshot.nodes.items():
        yield Sample(NODE_STATE, (name, node.state), 1)
        if node.reason:
            yield Sample(NODE_REASON, (name, node.reason), 1)
            if node.reason_at_s is not None:
                yield Sample(NODE_REASON_SINCE, (name,), node.reason_at_s)
    yield from _resources(snapshot)


def _resources(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    for name, node in snapshot.nodes.items():
        total, allocated = node.total, node.allocated
        if total is not None:
            if total.cpus is not None:
                yield Sample(NODE_CPUS, (name,), total.cpus)
            if total.memory_bytes is not None:
                yield Sample(NODE_MEMORY, (name,), total.memory_bytes)
        if allocated is not None:
            if allocated.cpus is not None:
                yield Sample(NODE_CPUS_ALLOCATED, (name,), allocated.cpus)
            if allocated.memory_bytes is not None:
                yield Sample(NODE_MEMORY_ALLOCATED, (name,), allocated.memory_bytes)
        gpus = total.by_type("gpu") if total else {}
        for kind, count in gpus.items():
            yield Sample(NODE_GPUS, (name, kind), count)
        if allocated is not None and allocated.gres is not None:
            for kind, count in (dict.fromkeys(gpus, 0) | allocated.by_type("gpu")).items():
                yield Sample(NODE_GPUS_ALLOCATED, (name, kind), count)
