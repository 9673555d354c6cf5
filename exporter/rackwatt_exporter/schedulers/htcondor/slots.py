"""Slots as condor_status prints them, made into nodes.

A machine has slots: static ones, or a partitionable one that dynamic ones are cut from for jobs. A
partitionable slot remains `Unclaimed` while its dynamic slots work, and its own `Cpus`, `Memory`
and `GPUs` are what is left. So a node is what all slots of its machine are together.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rackwatt_exporter.schedulers.json_commands import Nodes
from rackwatt_exporter.schedulers.json_records import (
    Record,
    count,
    mebibytes,
    parse_records,
    word,
)
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import NodeState, ParsedState, normalize_state
from rackwatt_exporter.schedulers.model.resources import Resources, distinct_gres

ATTRIBUTES = (
    "Machine",
    "State",
    "SlotType",
    "Offline",
    "Cpus",
    "Memory",
    "GPUs",
    "TotalSlotCpus",
    "TotalSlotMemory",
    "TotalSlotGPUs",
    "NumDynamicSlots",
)
# HTCondor's words of a slot, and ours; another word is passed on, and is never idle.
_WORDS = {
    "claimed": NodeState.ALLOCATED,
    "preempting": NodeState.ALLOCATED,
    "matched": NodeState.PLANNED,
    "unclaimed": NodeState.IDLE,
    "drained": "drain",
}
_HELD = frozenset({"Claimed", "Preempting"})


def parse_nodes(output: bytes) -> Nodes:
    """Parse what condor_status printed for ATTRIBUTES.

    Raises:
        ReadError: bad_reply.
    """
    slots = parse_records(output, "condor_status", _slot)
    machines: defaultdict[str, list[Record]] = defaultdict(list)
    for machine, slot in slots.made:
        machines[machine].append(slot)
    return Nodes({machine: _node(slots) for machine, slots in machines.items()}, slots.unread)


def _slot(slot: Record) -> tuple[str, Record] | None:
    machine = word(slot.get("Machine"))
    return (machine, slot) if machine else None


def _node(slots: Sequence[Record]) -> SchedulerNode:
    state = _state(slots)
    own = [slot for slot in slots if slot.get("SlotType") != "Dynamic"]
    return SchedulerNode(
        *state,
        total=_sum(own, "TotalSlot") if own else None,
        allocated=_allocated(slots),
    )


def _state(slots: Iterable[Record]) -> ParsedState:
    """Decide on the state of a machine: a slot at work counts before those that have none."""
    words = {each for slot in slots for each in _words(slot)}
    if NodeState.ALLOCATED in words:
        words -= {NodeState.IDLE, NodeState.UNKNOWN}
    return normalize_state(tuple(sorted(words)))


def _words(slot: Record) -> Iterator[str]:
    reported = word(slot.get("State")).lower() or NodeState.UNKNOWN
    yield str(_WORDS.get(reported, reported))
    if count(slot.get("NumDynamicSlots")):
        yield str(NodeState.ALLOCATED)
    if slot.get("Offline") is True:
        yield str(NodeState.POWERED_DOWN)


def _allocated(slots: Sequence[Record]) -> Resources | None:
    """Add up what is claimed; None where a dynamic slot is missing, since its amounts are."""
    dynamic = sum(slot.get("SlotType") == "Dynamic" for slot in slots)
    if dynamic < sum(count(slot.get("NumDynamicSlots")) or 0 for slot in slots):
        return None
    claimed = [
        slot
        for slot in slots
        if word(slot.get("State")) in _HELD and slot.get("SlotType") != "Partitionable"
    ]
    return _sum(claimed, "")


def _sum(slots: Sequence[Record], prefix: str) -> Resources:
    """Add up amounts of slots; what one of them does not report is None."""
    gpus = _total(count(slot.get(f"{prefix}GPUs")) for slot in slots)
    return Resources(
        _total(count(slot.get(f"{prefix}Cpus")) for slot in slots),
        _total(mebibytes(slot.get(f"{prefix}Memory")) for slot in slots),
        None if gpus is None else distinct_gres([("gpu", "", gpus)]),
    )


def _total(amounts: Iterable[int | None]) -> int | None:
    known = list(amounts)
    total = sum(amount or 0 for amount in known)
    return None if None in known or total > MAX_COUNT else total
