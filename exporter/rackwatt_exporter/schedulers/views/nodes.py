"""Families of a scheduler's nodes: their states and reasons, and what is allocated of them."""

from collections import Counter
from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import NodeState
from rackwatt_exporter.schedulers.model.resources import Resources
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
NODE_WEIGHT = MetricFamily(
    "rackwatt_scheduler_node_weight",
    "gauge",
    "Weight of the node: of those that fit a job, nodes of the lowest weight are allocated first.",
    _NODE,
)
NODE_FEATURE = MetricFamily(
    "rackwatt_scheduler_node_feature_info",
    "gauge",
    "1 for each feature that the node has now, and jobs can request.",
    (*_NODE, "feature"),
)
NODE_LOAD = MetricFamily(
    "rackwatt_scheduler_node_load",
    "gauge",
    "Load average of the node's system, as the scheduler's daemon there measured it.",
    _NODE,
)
NODE_FREE_MEMORY = MetricFamily(
    "rackwatt_scheduler_node_free_memory_bytes",
    "gauge",
    "Memory that the node's system has not in use, as the scheduler's daemon there measured it.",
    _NODE,
    "bytes",
)
FAMILIES = (
    NODES, UNREAD, UNKNOWN, NODE_STATE, NODE_REASON, NODE_REASON_SINCE, NODE_CPUS,
    NODE_CPUS_ALLOCATED, NODE_MEMORY, NODE_MEMORY_ALLOCATED, NODE_GPUS, NODE_GPUS_ALLOCATED,
    NODE_WEIGHT, NODE_FEATURE, NODE_LOAD, NODE_FREE_MEMORY,
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


def node_samples(node: SchedulerNode) -> Iterator[Sample]:
    """Go through the samples of one node, without its name; what was not reported has none."""
    yield Sample(NODE_STATE, (node.state,), 1)
    if node.reason:
        yield Sample(NODE_REASON, (node.reason,), 1)
        if node.reason_at_s is not None:
            yield Sample(NODE_REASON_SINCE, (), node.reason_at_s)
    if node.weight is not None:
        yield Sample(NODE_WEIGHT, (), node.weight)
    for feature in node.features:
        yield Sample(NODE_FEATURE, (feature,), 1)
    yield from _resources(node)


def usage_samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of what was measured on each node."""
    for name, usage in (snapshot.usage or {}).items():
        if usage.load is not None:
            yield Sample(NODE_LOAD, (name,), usage.load)
        if usage.free_memory_bytes is not None:
            yield Sample(NODE_FREE_MEMORY, (name,), usage.free_memory_bytes)


def _resources(node: SchedulerNode) -> Iterator[Sample]:
    total, allocated = node.total or Resources(), node.allocated or Resources()
    amounts = (
        (NODE_CPUS, total.cpus),
        (NODE_MEMORY, total.memory_bytes),
        (NODE_CPUS_ALLOCATED, allocated.cpus),
        (NODE_MEMORY_ALLOCATED, allocated.memory_bytes),
    )
    for family, amount in amounts:
        if amount is not None:
            yield Sample(family, (), amount)
    gpus = total.by_type("gpu")
    for kind, count in gpus.items():
        yield Sample(NODE_GPUS, (kind,), count)
    if allocated.gres is not None:
        for kind, count in (dict.fromkeys(gpus, 0) | allocated.by_type("gpu")).items():
            yield Sample(NODE_GPUS_ALLOCATED, (kind,), count)
