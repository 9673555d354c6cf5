"""Bare metal that both Nova and Ironic list."""

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.openstack.compute import ComputeAnswer
from rackwatt_exporter.schedulers.openstack.ironic import BareMetal
from rackwatt_exporter.schedulers.openstack.merging import BareMetalAnswer, merge, named
from rackwatt_exporter.schedulers.openstack.nova import Hypervisor

WHOLE = Resources(64, 2**38)
IDLE = SchedulerNode("idle", "idle", total=WHOLE, allocated=Resources(0, 0))
UNKNOWN = SchedulerNode("unknown", "unknown")
IRONIC = BareMetalAnswer((("node1", BareMetal("uuid-1", IDLE)),), "1.21")
NOMINAL = Resources(1, 2**30, ())


def answer(*hypervisors: tuple[str, bool, SchedulerNode], on: str = "uuid-1") -> ComputeAnswer:
    made = tuple((name, Hypervisor(name, ironic, node)) for name, ironic, node in hypervisors)
    job = Job(
        "s1",
        "running",
        user="u1",
        account="p1",
        allocated=NOMINAL,
        nodes=(on,),
        per_node=(NOMINAL,),
    )
    return ComputeAnswer(made, (job,), "2.87")


def test_a_bare_metal_hypervisor_has_the_name_and_the_amounts_of_ironic() -> None:
    found = merge(IRONIC, answer(("uuid-1", True, UNKNOWN)), {})
    assert set(found.nodes) == {"node1"}
    (job,) = found.jobs or ()
    assert (job.nodes, job.allocated, job.per_node) == (("node1",), WHOLE, (WHOLE,))
    assert found.version == "baremetal 1.21, compute 2.87"


def test_a_node_with_a_server_is_allocated_whatever_a_count_said_before() -> None:
    found = merge(IRONIC, answer(("uuid-1", True, UNKNOWN)), {})
    assert found.nodes["node1"].state == "allocated"
    found = merge(BareMetalAnswer(), answer(("kvm", False, UNKNOWN), on="kvm"), {})
    assert found.nodes["kvm"].state == "allocated"


def test_a_node_that_is_down_stays_down_with_servers_on_it() -> None:
    down = SchedulerNode("down", "down")
    found = merge(BareMetalAnswer(), answer(("kvm", False, down), on="kvm"), {})
    assert found.nodes["kvm"] == down


def test_bare_metal_that_ironic_does_not_list_keeps_its_uuid() -> None:
    found = merge(IRONIC, answer(("uuid-2", True, UNKNOWN), on="uuid-2"), {})
    assert set(found.nodes) == {"node1", "uuid-2"}
    assert found.note == "bare metal that Ironic does not list to this user has its UUID: uuid-2"


def test_a_hypervisor_with_the_name_of_a_bare_metal_node_is_unread_as_that_is() -> None:
    found = merge(IRONIC, answer(("node1", False, IDLE), ("kvm", False, IDLE), on="kvm"), {})
    assert (set(found.nodes), found.unread) == ({"kvm"}, 2)
    assert "node1" in found.note


def test_jobs_have_the_names_that_are_known() -> None:
    (job,) = named(answer().jobs, {"u1": "alice"}, {}) or ()
    assert (job.user, job.account) == ("alice", "p1")
    assert named(None, {}, {}) is None
