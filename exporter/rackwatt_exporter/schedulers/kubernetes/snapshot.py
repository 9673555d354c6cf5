"""Snapshots of what is known of nodes and pods.

What a node has allocated is the sum of all pods that are bound to it and have not ended, as
`kubectl describe node` shows it. Its state is decided by those that are jobs and request resources.
"""

from collections.abc import Iterable, Mapping

from rackwatt_exporter.schedulers.kubernetes.amounts import NOTHING, Amount
from rackwatt_exporter.schedulers.kubernetes.nodes import NodeRecord
from rackwatt_exporter.schedulers.kubernetes.pods import PodRecord
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, share


def snapshot(
    nodes: Mapping[str, NodeRecord | None],
    pods: Mapping[str, PodRecord | None],
    version: str = "",
    note: str = "",
) -> SchedulerSnapshot:
    """Make a snapshot; None is an object that could not be read, and `note` is about one."""
    held, busy = _held(pod for pod in pods.values() if pod is not None)
    known = (
        (name, node.with_pods(held.get(name, NOTHING), name in busy))
        for name, node in nodes.items()
        if node is not None
    )
    unread = sum(node is None for node in nodes.values())
    unread_jobs = sum(pod is None for pod in pods.values())
    return SchedulerSnapshot(
        share(known),
        version=version,
        unread=unread,
        note=note if unread or unread_jobs else "",
        jobs=tuple(pod.job for pod in pods.values() if pod is not None and pod.job is not None),
        unread_jobs=unread_jobs,
    )


def _held(pods: Iterable[PodRecord]) -> tuple[dict[str, Amount], set[str]]:
    """Return what the pods of each node hold, and the nodes of which a job holds anything."""
    held: dict[str, Amount] = {}
    busy: set[str] = set()
    for pod in pods:
        if pod.node and pod.held != NOTHING:
            held[pod.node] = held.get(pod.node, NOTHING).plus(pod.held)
            if pod.job is not None:
                busy.add(pod.node)
    return held, busy
