"""Parts of each node that a job on several holds, as slurmrestd reports them.

CPUs of each node are there from v0.0.41 on; older versions have 0 in their place. GRES of each node
are in all versions, in the order of the allocated nodes. Both are a part of a large tree of sockets
and cores, of which nothing else is read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.slurm.rest_json import json_count
from rackwatt_exporter.schedulers.slurm.tres import parse_gres

_NoObject = list[Any] | str | int | float | bool | None


class _Cpus(msgspec.Struct):
    count: Any = None


class _Node(msgspec.Struct):
    name: Any = None
    cpus: _Cpus | _NoObject = None


class _Nodes(msgspec.Struct):
    allocation: list[_Node | _NoObject] | dict[str, Any] | str | int | float | bool | None = None


class _OldNode(msgspec.Struct):
    nodename: Any = None


class JobResources(msgspec.Struct):
    """What a job holds; anything that is spelled in another way is passed over.

    `nodes` is that of v0.0.41 and newer, `allocated_nodes` that of v0.0.38 to v0.0.40.
    """

    nodes: _Nodes | _NoObject = None
    allocated_nodes: (
        list[_OldNode | _NoObject] | dict[str, Any] | str | int | float | bool | None
    ) = None


def read_parts(resources: object, gres_detail: Any) -> Mapping[str, Resources]:
    """Return what a job holds of each node, by name; None for what is not known, {} for nothing."""
    nodes = list(_nodes(resources)) if isinstance(resources, JobResources) else []
    if not all(isinstance(name, str) for name, _ in nodes):
        return {}
    listed = gres_detail if isinstance(gres_detail, list) else []
    gres = map(_gres, listed) if len(listed) == len(nodes) else [None] * len(nodes)
    return {
        name: Resources(cpus, gres=part) for (name, cpus), part in zip(nodes, gres, strict=True)
    }


def _nodes(resources: JobResources) -> Iterator[tuple[Any, int | None]]:
    """Go through the names of the nodes, with the CPUs of each; None is no name."""
    newer = resources.nodes.allocation if isinstance(resources.nodes, _Nodes) else None
    listed = newer if newer is not None else resources.allocated_nodes
    for node in listed if isinstance(listed, list) else ():
        if isinstance(node, _Node):
            yield node.name, json_count(node.cpus.count) if isinstance(node.cpus, _Cpus) else None
        else:
            yield node.nodename if isinstance(node, _OldNode) else None, None


def _gres(text: Any) -> tuple[Gres, ...] | None:
    return parse_gres(text) if isinstance(text, str) else None
