"""What a job on several nodes holds of each, as slurmrestd reports it.

CPUs of each node are there from v0.0.41 on; older versions have 0 in their place. GRES of each node
are in all versions, in the order of the allocated nodes. Both are a part of a large tree of sockets
and cores, of which nothing else is read.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.slurm.rest_json import number
from rackwatt_exporter.schedulers.slurm.tres import parse_gres


class _Cpus(msgspec.Struct):
    count: Any = None


class _Node(msgspec.Struct):
    name: str
    cpus: _Cpus | None = None


class _Nodes(msgspec.Struct):
    allocation: list[_Node]


class _JobResources(msgspec.Struct):
    """Of v0.0.41 and newer."""

    nodes: _Nodes


class _OldNode(msgspec.Struct):
    name: str = msgspec.field(name="nodename")


class _OldJobResources(msgspec.Struct):
    """Of v0.0.38 to v0.0.40."""

    allocated_nodes: list[_OldNode]


_DECODERS = (msgspec.json.Decoder(_JobResources), msgspec.json.Decoder(_OldJobResources))


def read_parts(job_resources: bytes, gres_detail: Any) -> Mapping[str, Resources]:
    """Return what a job holds of each node, by name; None for what is not known, {} for nothing."""
    for decoder in _DECODERS:
        try:
            nodes = _nodes(decoder.decode(job_resources))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        listed = gres_detail if isinstance(gres_detail, list) else []
        gres = map(_gres, listed) if len(listed) == len(nodes) else [None] * len(nodes)
        return {
            name: Resources(cpus, gres=part) for (name, cpus), part in zip(nodes, gres, strict=True)
        }
    return {}


def _nodes(resources: _JobResources | _OldJobResources) -> list[tuple[str, int | None]]:
    """Return the name and the CPUs of each node."""
    if isinstance(resources, _OldJobResources):
        return [(node.name, None) for node in resources.allocated_nodes]
    return [
        (node.name, number(node.cpus.count) if node.cpus else None)
        for node in resources.nodes.allocation
    ]


def _gres(text: Any) -> tuple[Gres, ...] | None:
    return parse_gres(text) if isinstance(text, str) else None
