"""Hypervisors and servers in states that the captures do not have."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.openstack import nova

UP = {"hypervisor_hostname": "n1", "state": "up", "status": "enabled", "running_vms": 0}
SERVER = {
    "id": "s1",
    "status": "ACTIVE",
    "OS-EXT-SRV-ATTR:hypervisor_hostname": "n1",
    "flavor": {"vcpus": 2, "ram": 512, "extra_specs": {}},
}
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def node(**fields: Any) -> SchedulerNode:
    body = msgspec.json.encode({"hypervisors": [{**UP, **fields}]})
    unread: list[str] = []
    ((_, found),) = nova.hypervisors(nova.HYPERVISORS.decode(body).records, unread)
    assert not unread
    return found.node


def job(**fields: Any) -> Job:
    body = msgspec.json.encode({"servers": [{**SERVER, **fields}]})
    (found,) = nova.jobs(nova.SERVERS.decode(body).records, [])
    return found


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "idle"),
        ({"running_vms": 2}, "allocated"),
        ({"running_vms": None}, "unknown"),
        ({"running_vms": "many"}, "unknown"),
        ({"running_vms": None, "servers": []}, "idle"),
        ({"running_vms": None, "servers": [{"uuid": "a"}]}, "allocated"),
        ({"state": "down"}, "down"),
        ({"state": "down", "running_vms": 2}, "down"),
        ({"state": None}, "unknown"),
        ({"status": None}, "unknown"),
        ({"status": None, "running_vms": 2}, "allocated"),
        ({"status": "disabled"}, "drained"),
        ({"status": "disabled", "running_vms": 2}, "draining"),
        ({"status": "disabled", "state": "down"}, "drained"),
    ],
)
def test_a_hypervisor_is_idle_only_if_it_is_up_enabled_and_known_to_be_empty(
    fields: dict[str, Any], state: str
) -> None:
    assert node(**fields).state == state


def test_a_disabled_hypervisor_has_its_reason() -> None:
    found = node(status="disabled", service={"disabled_reason": "fan"})
    assert (found.base, found.flags, found.reason) == ("idle", ("drain",), "fan")


@pytest.mark.parametrize(
    ("fields", "state", "flags"),
    [
        ({}, "running", ()),
        ({"status": "SHUTOFF"}, "suspended", ("shutoff",)),
        (
            {"status": "BUILD", "OS-EXT-STS:task_state": "spawning"},
            "configuring",
            ("build", "spawning"),
        ),
        ({"status": "MIGRATING"}, "running", ("migrating",)),
        ({"status": "ERROR"}, "error", ()),
        ({"status": "SHELVED_OFFLOADED"}, "held", ("shelved_offloaded",)),
        ({"status": "UNKNOWN"}, "unknown", ()),
        ({"status": "QUANTUM"}, "quantum", ()),
        ({"status": None}, "unknown", ()),
    ],
)
def test_the_status_of_a_server_is_the_state_of_a_job(
    fields: dict[str, Any], state: str, flags: tuple[str, ...]
) -> None:
    found = job(**fields)
    assert (found.state, found.flags) == (state, flags)


def test_a_server_without_a_hypervisor_waits_for_what_its_flavor_has() -> None:
    found = job(status="BUILD", **{"OS-EXT-SRV-ATTR:hypervisor_hostname": None})
    amount = Resources(2, 512 * 2**20, ())
    assert (found.state, found.nodes, found.allocated) == ("pending", (), None)
    assert found.requested == amount


@pytest.mark.parametrize(
    ("specs", "gres"),
    [
        ({}, ()),
        ({"resources:VGPU": "2"}, (Gres("gpu", 2, "vgpu"),)),
        ({"resources:PGPU": "1"}, (Gres("gpu", 1),)),
        ({"pci_passthrough:alias": "a100:2"}, None),
        (None, None),
    ],
)
def test_the_gpus_of_a_flavor_are_known_or_unknown(
    specs: Any, gres: tuple[Gres, ...] | None
) -> None:
    found = job(flavor={"vcpus": 2, "ram": 512, "extra_specs": specs}).allocated
    assert found is not None
    assert found.gres == gres


@given(
    st.lists(
        ANYTHING
        | st.fixed_dictionaries(
            {}, optional=dict.fromkeys([*UP, "service", "servers", "vcpus"], ANYTHING)
        )
    )
)
def test_any_hypervisors_are_nodes_or_unread(records: list[Any]) -> None:
    page = nova.HYPERVISORS.decode(msgspec.json.encode({"hypervisors": records}))
    unread: list[str] = []
    assert len(list(nova.hypervisors(page.records, unread))) + len(unread) == len(records)


@given(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys([*SERVER, "created", "user_id"], ANYTHING))
    )
)
def test_any_servers_are_jobs_or_unread(records: list[Any]) -> None:
    page = nova.SERVERS.decode(msgspec.json.encode({"servers": records}))
    unread: list[str] = []
    assert len(list(nova.jobs(page.records, unread))) + len(unread) == len(records)


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (b"Minimum is 2.1 and maximum is 2.38.", (2, 38)),
        (b"Minimum is 2.90 and maximum is 2.120.", (2, 90)),
        (b"Minimum is 2.1 and maximum is 2.104.", (2, 87)),
        (b"no", None),
    ],
)
def test_the_nearest_supported_version_is_found(
    body: bytes, version: tuple[int, int] | None
) -> None:
    assert nova.supported(body, (2, 87)) == version
