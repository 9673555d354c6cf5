"""Families of a scheduler's nodes, made of snapshots."""

from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.nodes import families, state_counts


def test_a_node_of_three_partitions_counts_once() -> None:
    node = SchedulerNode("mixed", "mixed", (), ("batch", "gpu", "long"))
    assert state_counts(SchedulerSnapshot({"n1": node})) == {"mixed": 1}


def test_clusters_with_the_same_node_names_stay_apart_by_their_labels() -> None:
    one = SchedulerSnapshot({"n1": SchedulerNode("idle"), "n2": SchedulerNode("idle")})
    other = SchedulerSnapshot({"n1": SchedulerNode("down")}, unread=2)
    nodes, unread = families([(("prod", "alpha"), one), (("test", "beta"), other)])
    assert nodes[1] == [
        'rackwatt_scheduler_nodes{scheduler="prod",cluster="alpha",state="idle"} 2\n',
        'rackwatt_scheduler_nodes{scheduler="test",cluster="beta",state="down"} 1\n',
    ]
    assert unread[1] == [
        'rackwatt_scheduler_unread_nodes{scheduler="prod",cluster="alpha"} 0\n',
        'rackwatt_scheduler_unread_nodes{scheduler="test",cluster="beta"} 2\n',
    ]
