"""Ironic's nodes in states that fake hardware does not take."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.openstack import ironic
from tests.exporter.schedulers.openstack.test_nova import ANYTHING

NODE = {
    "uuid": "418c6978-9fb7-4f0b-8356-6b07fe6aa24c",
    "name": "node1",
    "instance_uuid": None,
    "power_state": "power on",
    "provision_state": "available",
    "maintenance": False,
    "properties": {"cpus": "64", "memory_mb": 256_000},
}


def named(**fields: Any) -> tuple[str, SchedulerNode]:
    page = ironic.NODES.decode(msgspec.json.encode({"nodes": [{**NODE, **fields}]}))
    ((name, found),) = ironic.nodes(page.records, [])
    return name, found.node


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "idle"),
        ({"instance_uuid": "a"}, "allocated"),
        ({"instance_uuid": "a", "provision_state": "deploying"}, "allocated"),
        ({"instance_uuid": "a", "power_state": None}, "allocated"),
        ({"provision_state": "rescue"}, "allocated"),
        ({"power_state": None}, "unknown"),
        ({"power_state": "rebooting"}, "rebooting"),
        ({"power_state": "error"}, "power_error"),
        ({"provision_state": None}, "unknown"),
        ({"provision_state": "clean wait"}, "clean_wait"),
        ({"provision_state": "error"}, "error"),
        ({"provision_state": "deploy failed", "maintenance": True}, "drained"),
        ({"maintenance": None}, "unknown"),
        ({"maintenance": None, "instance_uuid": "a"}, "allocated"),
    ],
)
def test_a_node_is_idle_only_if_it_is_available_powered_on_and_in_service(
    fields: dict[str, Any], state: str
) -> None:
    assert named(**fields)[1].state == state


def test_a_node_without_a_name_has_its_uuid() -> None:
    assert named(name=None)[0] == NODE["uuid"]


def test_properties_may_be_texts_or_missing() -> None:
    assert named()[1].total == Resources(64, 256_000 * 2**20)
    assert named(properties={"cpus": "many"})[1].total is None
    assert named(properties=None)[1].allocated is None


def test_the_error_of_a_node_is_its_reason_where_maintenance_has_none() -> None:
    assert named(last_error="no route", maintenance_reason=None)[1].reason == "no route"


@given(st.lists(ANYTHING | st.fixed_dictionaries({}, optional=dict.fromkeys(NODE, ANYTHING))))
def test_any_nodes_are_nodes_or_unread(records: list[Any]) -> None:
    page = ironic.NODES.decode(msgspec.json.encode({"nodes": records}))
    unread: list[str] = []
    assert len(list(ironic.nodes(page.records, unread))) + len(unread) == len(records)
