"""Nodes as slurmrestd answers them, in the spellings of every version from v0.0.37 on.

A node is read for itself: one that is not as it should be costs no other its state. A state was a
word with `state_flags` beside it, and is a list now.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.printable import printable
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_NAME, MAX_NAMES
from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import normalize_state
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.slurm.jobs import names, time_s
from rackwatt_exporter.schedulers.slurm.node_usage import make_usage
from rackwatt_exporter.schedulers.slurm.rest_json import json_count
from rackwatt_exporter.schedulers.slurm.tres import MIB, parse_gres

_NO_LOAD = 0xFFFFFFFE  # NO_VAL of slurm.h, and INFINITE above it


class RestNode(msgspec.Struct):
    """What is read of a node; its fields were plain, and are wrapped or lists now."""

    name: Any = None
    state: Any = None
    state_flags: Any = None
    partitions: Any = None
    reason: Any = None
    reason_changed_at: Any = None
    cpus: Any = None
    real_memory: Any = None
    gres: Any = None
    alloc_cpus: Any = None
    alloc_memory: Any = None
    gres_used: Any = None
    active_features: Any = None
    weight: Any = None
    cpu_load: Any = None
    free_memory: Any = None
    free_mem: Any = None


class RestNodes(NamedTuple):
    """Nodes by name, what was measured on them, and how many could not be read, with a note."""

    nodes: dict[str, SchedulerNode]
    usage: dict[str, NodeUsage]
    unread: int
    note: str


def read_nodes(records: Iterable[object]) -> RestNodes:
    """Return every node; `records` are those of an answer."""
    nodes: dict[str, SchedulerNode] = {}
    usage: dict[str, NodeUsage] = {}
    unread: list[object] = []
    ambiguous: dict[str, object] = {}
    for record in records:
        named = _node(record)
        if named is None:
            unread.append(record)
            continue
        name, node, measured = named
        if nodes.setdefault(name, node) != node:
            ambiguous[name] = record
        if measured is not None:
            usage[name] = measured
    for name in ambiguous:
        del nodes[name]
        usage.pop(name, None)
    notes = (
        f"{_listed(unread)} without a state that can be read" if unread else "",
        f"{_listed(ambiguous.values())} more than once, with different records"
        if ambiguous
        else "",
    )
    note = "; ".join(filter(None, notes))
    return RestNodes(nodes, usage, len(unread) + len(ambiguous), note)


def _node(record: object) -> tuple[str, SchedulerNode, NodeUsage | None] | None:
    """Return a node, its name and what was measured; None where it has no name or no state."""
    if not isinstance(record, RestNode) or not _is_name(record.name):
        return None
    base = [record.state] if isinstance(record.state, str) else record.state
    flags = [] if record.state_flags is None else record.state_flags
    if not base or not _are_words(base) or not _are_words(flags):
        return None
    node = SchedulerNode(
        *normalize_state((*base, *flags)),
        partitions=_partitions(record.partitions),
        reason=record.reason if isinstance(record.reason, str) else "",
        reason_at_s=_time_s(record.reason_changed_at),
        features=_features(record.active_features),
        total=_resources(record.cpus, record.real_memory, record.gres),
        allocated=_resources(record.alloc_cpus, record.alloc_memory, record.gres_used),
        weight=json_count(record.weight),
    )
    return record.name, node, _usage(node, record)


def _usage(node: SchedulerNode, record: RestNode) -> NodeUsage | None:
    """Return what was measured: the load in hundredths, the memory in MiB in every version."""
    load = json_count(record.cpu_load)
    free = json_count(record.free_memory if record.free_mem is None else record.free_mem)
    return make_usage(
        node,
        None if load is None or load >= _NO_LOAD else load / 100,
        None if free is None else free * MIB,
    )


def _partitions(names: Any) -> tuple[str, ...]:
    """Return the partitions of a node; none where they are not as they should be."""
    whole = isinstance(names, list) and len(names) <= MAX_NAMES and all(map(_is_name, names))
    return tuple(sorted(set(names))) if whole else ()


def _features(features: Any) -> tuple[str, ...]:
    """Return features, which were one text and are a list now."""
    words = features.split(",") if isinstance(features, str) else features
    return names(words) if isinstance(words, list) and all(map(_is_name, words)) else ()


def _resources(cpus: Any, memory_mib: Any, gres: Any) -> Resources | None:
    """Return what a node has or what of it is allocated; memory is in MiB in every version."""
    if cpus is memory_mib is gres is None:
        return None
    memory = json_count(memory_mib)
    return Resources(
        json_count(cpus),
        None if memory is None or memory > MAX_COUNT // MIB else memory * MIB,
        parse_gres(gres) if isinstance(gres, str) else None,
    )


def _time_s(value: Any) -> int | None:
    """Return a time that is plain or wrapped; None where there is none."""
    seconds = json_count(value)
    return None if seconds is None else time_s(seconds)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 1 <= len(name) <= MAX_NAME


def _are_words(words: object) -> bool:
    return isinstance(words, list) and all(isinstance(word, str) for word in words)


def _listed(nodes: Iterable[object]) -> str:
    """Name some nodes of many."""
    names = [node.name if isinstance(node, RestNode) else None for node in nodes]
    some = ", ".join(str(name)[:60] if name else "one without a name" for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return printable(f"{some}{more}")
