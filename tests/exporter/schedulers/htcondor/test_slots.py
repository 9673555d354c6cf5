"""Slots of HTCondor as nodes: a capture of 25.14, and what the manual says of other states."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.htcondor.slots import ATTRIBUTES, parse_nodes
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import power_exporter_state
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

CAPTURE = Path(__file__).parents[3] / "data" / "htcondor-25.14" / "condor_status.json"
MIB = 2**20


def slot(state: str | None = "Unclaimed", **attributes: Any) -> dict[str, Any]:
    """Make a static slot of two CPUs on machine a."""
    has = {"Cpus": 2, "Memory": 1000, "TotalSlotCpus": 2, "TotalSlotMemory": 1000}
    whole = {"Machine": "a", "State": state, "SlotType": "Static", **has, **attributes}
    return {name: value for name, value in whole.items() if value is not None}


def partitionable(state: str = "Unclaimed", children: int = 0, **attributes: Any) -> dict[str, Any]:
    """Make the slot of machine a that dynamic ones are cut from: 8 CPUs, 4 GPUs."""
    total = {"TotalSlotCpus": 8, "TotalSlotMemory": 8000, "TotalSlotGPUs": 4}
    left = {"Cpus": 0, "Memory": 0, "GPUs": 0, "NumDynamicSlots": children}
    return slot(state, SlotType="Partitionable", **{**total, **left, **attributes})


def dynamic(state: str = "Claimed", **attributes: Any) -> dict[str, Any]:
    """Make a slot of two CPUs and a GPU that was cut from machine a's."""
    return slot(state, SlotType="Dynamic", **{"GPUs": 1, "TotalSlotGPUs": 1, **attributes})


def node(*slots: dict[str, Any]) -> SchedulerNode:
    (found,) = parse_nodes(json.dumps(slots).encode()).nodes.values()
    return found


def test_a_real_machine_without_a_job_is_idle() -> None:
    listed = parse_nodes(CAPTURE.read_bytes())
    assert listed.unread == 0
    assert listed.nodes == {
        "localhost": SchedulerNode(
            "idle",
            "idle",
            total=Resources(cpus=4, memory_bytes=4000 * MIB),  # TotalSlotGPUs is -9999
            allocated=Resources(cpus=0, memory_bytes=0, gres=()),
        )
    }


def test_a_partitionable_slot_with_dynamic_ones_is_an_allocated_node() -> None:
    found = node(partitionable(children=2), dynamic(), dynamic(GPUs=0))
    assert found == SchedulerNode(
        "allocated",
        "allocated",
        total=Resources(8, 8000 * MIB, (Gres("gpu", 4),)),
        allocated=Resources(4, 2000 * MIB, (Gres("gpu", 1),)),
    )


def test_a_node_whose_dynamic_slots_are_not_listed_is_allocated_by_an_unknown_amount() -> None:
    found = node(partitionable(children=2), dynamic())
    assert (found.state, found.allocated) == ("allocated", None)


def test_static_slots_are_parts_of_one_node() -> None:
    found = node(slot("Claimed"), slot(), slot("Preempting"))
    assert found.state == "allocated"
    assert found.total == Resources(6, 3000 * MIB)
    assert found.allocated == Resources(4, 2000 * MIB)


@pytest.mark.parametrize(
    ("slots", "state"),
    [
        ([slot("Matched"), slot()], "planned"),
        ([slot("Owner"), slot()], "owner"),
        ([slot("Owner"), slot("Claimed")], "allocated"),
        ([slot("Backfill")], "backfill"),
        ([slot("Drained")], "drained"),
        ([slot("Drained"), slot("Claimed")], "draining"),
        ([partitionable("Drained", 1), dynamic()], "draining"),
        ([partitionable("Claimed")], "allocated"),
        ([slot("Hovering"), slot()], "hovering"),
        ([slot(None)], "unknown"),
        ([slot(None), slot()], "unknown"),
        ([slot(None), slot("Claimed")], "allocated"),
        ([slot(Offline=True)], "powered_down"),
    ],
)
def test_a_node_is_idle_only_with_nothing_against_it(
    slots: list[dict[str, Any]], state: str
) -> None:
    assert node(*slots).state == state


def test_a_slot_without_a_machine_is_counted_and_hides_no_other() -> None:
    listed = parse_nodes(json.dumps([slot(Machine=None), slot(), {}, 3]).encode())
    assert (set(listed.nodes), listed.unread) == ({"a"}, 3)


def test_no_slot_is_no_node() -> None:
    assert parse_nodes(b"") == ({}, 0)


VALUES = (
    st.sampled_from(["a", "b", "Claimed", "Unclaimed", "Dynamic", "Partitionable", "-", ""])
    | st.integers(-9999, 2**70)
    | st.none()
    | st.booleans()
    | st.text(max_size=3)
    | st.lists(st.integers(), max_size=2)
)
SLOTS = st.lists(st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES), max_size=6)


@given(SLOTS)
def test_nodes_of_any_slots_are_within_the_model_and_idle_only_if_unclaimed(
    slots: list[dict[str, Any]],
) -> None:
    try:
        listed = parse_nodes(json.dumps(slots).encode())
    except ReadError:
        pytest.fail("a list of records is no bad reply")
    snapshot = SchedulerSnapshot(listed.nodes)
    assert relay.decode(relay.encode(snapshot)) == snapshot
    for name, found in listed.nodes.items():
        reported = {str(one.get("State")).lower() for one in slots if one.get("Machine") == name}
        if power_exporter_state(found.state) == "idle":
            assert reported <= {"unclaimed", "matched"}
