"""Snapshots as tests make and compare them."""

import re
from collections.abc import Mapping

from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from tests.peers.slurm import SlurmCluster


def snapshot(states: Mapping[str, str], version: str = "", note: str = "") -> SchedulerSnapshot:
    """Make a snapshot of nodes whose states are all that is known."""
    nodes = {name: SchedulerNode(state) for name, state in states.items()}
    return SchedulerSnapshot(nodes, version=version, note=note)


def states(snapshot: SchedulerSnapshot) -> dict[str, str]:
    """Return the state of each node."""
    return {name: node.state for name, node in snapshot.nodes.items()}


def details(snapshot: SchedulerSnapshot) -> dict[str, object]:
    """Return what readers report beside the state of each node, in no order."""
    return {
        name: (node.base, set(node.flags), set(node.partitions), node.reason)
        for name, node in snapshot.nodes.items()
    }


def details_by_scontrol(cluster: SlurmCluster) -> dict[str, object]:
    """Return the same, as scontrol prints it."""
    expected: dict[str, object] = {}
    for name, fields in cluster.shown().items():
        base, *flags = fields["State"].lower().split("+")
        reason = re.sub(r" \[[^\[\]]*@[^\[\]]*\]\Z", "", fields.get("Reason", ""))
        expected[name] = base, set(flags), set(fields["Partitions"].split(",")), reason
    return expected
