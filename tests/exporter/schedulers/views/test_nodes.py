"""Families of a scheduler's nodes, made of snapshots."""

from itertools import chain

from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.nodes import (
    node_samples,
    samples,
    state_counts,
    usage_samples,
)
from rackwatt_exporter.schedulers.views.render import render, render_named

GIB = 2**30


def lines(snapshot: SchedulerSnapshot, exclude: str | None = None) -> list[str]:
    scheduler = "prod", "alpha"
    whole = chain(samples(snapshot), usage_samples(snapshot))
    by_state = render(scheduler, whole, exclude)
    by_node = render_named(scheduler, snapshot.nodes, node_samples, exclude)
    return [line for family in (by_state | by_node).values() for line in family]


def test_a_node_of_three_partitions_counts_once() -> None:
    node = SchedulerNode("mixed", "mixed", (), ("batch", "gpu", "long"))
    assert state_counts(SchedulerSnapshot({"n1": node})) == {"mixed": 1}


def test_nodes_are_counted_by_state_and_an_unknown_one_is_passed_on() -> None:
    nodes = {"n1": SchedulerNode("idle"), "n2": SchedulerNode("idle"), "n3": SchedulerNode("zen")}
    page = lines(SchedulerSnapshot(nodes, unread=2))
    assert page[:4] == [
        'rackwatt_scheduler_nodes{scheduler="prod",cluster="alpha",state="idle"} 2\n',
        'rackwatt_scheduler_nodes{scheduler="prod",cluster="alpha",state="zen"} 1\n',
        'rackwatt_scheduler_unread_nodes{scheduler="prod",cluster="alpha"} 2\n',
        'rackwatt_scheduler_unknown_state_nodes{scheduler="prod",cluster="alpha"} 1\n',
    ]


def test_a_node_out_of_service_has_its_reason_and_since_when() -> None:
    node = SchedulerNode("drained", reason='bad "dimm"', reason_at_s=1795220732)
    of_n1 = '{scheduler="prod",cluster="alpha",node="n1"'
    assert lines(SchedulerSnapshot({"n1": node}))[3:] == [
        f'rackwatt_scheduler_node_state{of_n1},state="drained"}} 1\n',
        f'rackwatt_scheduler_node_reason_info{of_n1},reason="bad \\"dimm\\""}} 1\n',
        f"rackwatt_scheduler_node_reason_timestamp_seconds{of_n1}}} 1795220732\n",
    ]


def test_what_a_node_has_and_jobs_hold_is_in_base_units_and_what_is_unknown_absent() -> None:
    total = Resources(64, 256 * GIB, (Gres("gpu", 4, "a100"), Gres("shard", 16)))
    nodes = {
        "n1": SchedulerNode("mixed", total=total, allocated=Resources(8, 32 * GIB, ())),
        "n2": SchedulerNode("down", total=Resources(cpus=64)),
    }
    page = "".join(lines(SchedulerSnapshot(nodes))).replace('scheduler="prod",cluster="alpha",', "")
    assert 'rackwatt_scheduler_node_cpus{node="n1"} 64\n' in page
    assert 'rackwatt_scheduler_node_allocated_cpus{node="n1"} 8\n' in page
    assert f'rackwatt_scheduler_node_memory_bytes{{node="n1"}} {256 * GIB}\n' in page
    assert f'rackwatt_scheduler_node_allocated_memory_bytes{{node="n1"}} {32 * GIB}\n' in page
    assert 'rackwatt_scheduler_node_gpus{node="n1",type="a100"} 4\n' in page
    assert 'rackwatt_scheduler_node_allocated_gpus{node="n1",type="a100"} 0\n' in page
    assert "shard" not in page
    assert page.count('node="n2"') == 2  # its state and its CPUs


def test_a_node_has_its_weight_each_feature_and_what_was_measured_there() -> None:
    node = SchedulerNode("idle", weight=10, features=("zen4", "ib"))
    usage = {"n1": NodeUsage(0.25, 2 * GIB), "n2": NodeUsage(0.0)}
    page = "".join(lines(SchedulerSnapshot({"n1": node, "n2": node}, usage=usage)))
    page = page.replace('scheduler="prod",cluster="alpha",', "")
    for name in ("n1", "n2"):
        assert f'rackwatt_scheduler_node_weight{{node="{name}"}} 10\n' in page
        assert f'rackwatt_scheduler_node_feature_info{{node="{name}",feature="zen4"}} 1\n' in page
        assert f'rackwatt_scheduler_node_feature_info{{node="{name}",feature="ib"}} 1\n' in page
    assert 'rackwatt_scheduler_node_load{node="n1"} 0.25\n' in page
    assert 'rackwatt_scheduler_node_load{node="n2"} 0.0\n' in page
    assert f'rackwatt_scheduler_node_free_memory_bytes{{node="n1"}} {2 * GIB}\n' in page
    assert page.count("free_memory_bytes") == 1


def test_excluded_families_have_no_line_and_others_do() -> None:
    node = SchedulerNode("idle", total=Resources(64, 256 * GIB))
    page = "".join(lines(SchedulerSnapshot({"n1": node}), ".*_(memory_bytes|node_state)"))
    assert "memory_bytes" not in page
    assert "node_state{" not in page
    assert "rackwatt_scheduler_node_cpus{" in page
