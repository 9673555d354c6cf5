"""Placement of a job: `exec_vnode` with what it holds of each vnode, or `exec_host`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.job import MAX_NODES
from rackwatt_exporter.schedulers.pbs.resources import Named
from rackwatt_exporter.schedulers.pbs.values import text

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?\Z")


def placement(attributes: Mapping[str, Any], hosts: Mapping[str, str]) -> dict[str, list[Named]]:
    """Return the resources of a job on each host; `hosts` are those of vnodes.

    exec_vnode is `(v1:ncpus=4:mem=512000kb+v2:ncpus=1)+(v3:ncpus=2)`, exec_host `a/0*4+b/1` or,
    of Torque, `a/0-1+b/2`.
    """
    found: dict[str, list[Named]] = {}
    vnodes = text(attributes.get("exec_vnode"))
    chunks = _of_vnodes(vnodes) if vnodes else _of_hosts(text(attributes.get("exec_host")))
    for vnode, resources in chunks:
        host = hosts.get(vnode, name(vnode))
        if host in found or (host and len(found) < MAX_NODES):
            found.setdefault(host, []).append(resources)
    return found


def _of_vnodes(chunks: str) -> Iterator[tuple[str, Named]]:
    """Go through the vnodes; GPUs that are not named are none."""
    for chunk in filter(None, re.split(r"[()+]+", chunks)):
        vnode, *resources = chunk.split(":")
        yield vnode, {"ngpus": "0"} | dict(map(_pair, resources))


def _of_hosts(chunks: str) -> Iterator[tuple[str, Named]]:
    for chunk in filter(None, chunks.split("+")):
        host, _, slots = chunk.partition("/")
        yield host, {"ncpus": _slots(slots)}


def _slots(slots: str) -> int | None:
    """Return how many processors `0`, `0*4`, `0-3` or `0-1,4` are; None for anything else."""
    index, star, number = slots.partition("*")
    if star:
        return int(number) if index.isdecimal() and _RANGE.match(number) else None
    total = 0
    for part in slots.split(","):
        match = _RANGE.match(part)
        if match is None:
            return None
        total += max(0, int(match[2] or match[1]) - int(match[1])) + 1
    return total


def _pair(resource: str) -> tuple[str, str]:
    key, _, value = resource.partition("=")
    return key, value
