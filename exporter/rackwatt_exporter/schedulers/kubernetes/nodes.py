"""One node of Kubernetes in the words of the model.

A node that is cordoned drains: it keeps its pods and gets no new ones. One whose kubelet reports
that it is not ready is down; one whose kubelet is silent is unknown, and may still run its pods.
"""

from collections.abc import Iterator
from typing import NamedTuple

from rackwatt_exporter.schedulers.kubernetes.amounts import Amount, amount, resources
from rackwatt_exporter.schedulers.kubernetes.objects import Condition, Node, condition, seconds
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import normalize_state

_CORDONED = "node.kubernetes.io/unschedulable"
_CORDON_REASON = "SchedulingDisabled"  # as kubectl prints it
_NO_CONDITION = Condition("Ready", "Unknown", "NoReadyCondition")


class NodeRecord(NamedTuple):
    """A node, without its pods: `base` is None where it is ready, and its pods decide."""

    base: str | None
    flags: tuple[str, ...]
    reason: str
    reason_at_s: int | None
    total: Amount

    def with_pods(self, allocated: Amount, busy: bool) -> SchedulerNode:
        """Return the node with what its pods hold; `busy` where one of them is a job."""
        base = self.base or self._base(allocated, busy)
        parsed = normalize_state((base, *self.flags))
        return SchedulerNode(
            parsed.state,
            parsed.base,
            parsed.flags,
            reason=self.reason,
            reason_at_s=self.reason_at_s,
            total=resources(self.total),
            allocated=resources(allocated),
        )

    def _base(self, allocated: Amount, busy: bool) -> str:
        """Decide as Slurm does: a node is mixed while CPUs and memory are left."""
        if not busy:
            return "idle"
        left = (
            allocated.millicpus < self.total.millicpus
            and allocated.memory_bytes < self.total.memory_bytes
        )
        return "mixed" if left else "allocated"


def node_record(node: Node) -> NodeRecord:
    """Read a node.

    Raises:
        ValueError: a quantity is none.
    """
    ready = condition(node.status.conditions, "Ready") or _NO_CONDITION
    base = {"True": None, "False": "down"}.get(ready.status, "unknown")
    reason, since_s = "", None
    if base is not None:
        reason = ": ".join(filter(None, (ready.reason, ready.message)))
        since_s = seconds(ready.last_transition_time)
    elif node.spec.unschedulable:
        reason = _CORDON_REASON
        taints = (taint for taint in node.spec.taints or () if taint.key == _CORDONED)
        since_s = next((seconds(taint.time_added) for taint in taints), None)
    return NodeRecord(
        base, tuple(_flags(node, base)), reason, since_s, amount(node.status.allocatable)
    )


def _flags(node: Node, base: str | None) -> Iterator[str]:
    if node.spec.unschedulable:
        yield "drain"
    if base == "unknown":
        yield "not_responding"
