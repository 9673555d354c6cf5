"""Ironic's bare-metal nodes (Bare Metal API, `GET /v1/nodes`).

Without a version in its headers Ironic speaks 1.1, which has no names. A node is allocated while it
has an instance, idle while it is available and powered on; in every other state of provisioning it
has the word of that state.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import normalize_state
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.openstack.records import (
    NoRecord,
    name_of,
    resources,
    time_of,
    word_of,
)

PATH = "/v1/nodes"
VERSION = "1.21"  # of 2017: names, enroll, resource classes
HEADERS = {"X-OpenStack-Ironic-API-Version": VERSION}
QUERY = {
    "fields": "uuid,name,instance_uuid,power_state,provision_state,provision_updated_at,"
    "maintenance,maintenance_reason,last_error,properties,resource_class"
}
_WITH_TENANT = frozenset({"active", "rescue", "rebuild"})
_POWER = {"power_off": "powered_down", "rebooting": "reboot_issued", "error": "power_error"}


class _Node(msgspec.Struct):
    uuid: Any = None
    name: Any = None
    instance_uuid: Any = None
    power_state: Any = None
    provision_state: Any = None
    provision_updated_at: Any = None
    maintenance: Any = None
    maintenance_reason: Any = None
    last_error: Any = None
    properties: Any = None
    resource_class: Any = None


class NodePage(msgspec.Struct):
    """A part of the list of nodes."""

    nodes: list[_Node | NoRecord]
    next: Any = None

    @property
    def records(self) -> Sequence[object]:
        """The nodes of this part."""
        return self.nodes

    @property
    def next_page(self) -> str:
        """The URL of the next part; empty at the end."""
        return self.next if isinstance(self.next, str) else ""


class BareMetal(NamedTuple):
    """A node of Ironic and its UUID, by which Nova calls its hypervisor."""

    uuid: str
    node: SchedulerNode


NODES = msgspec.json.Decoder(NodePage)


def nodes(records: Iterable[object], unread: list[str]) -> Iterator[tuple[str, BareMetal]]:
    """Yield the nodes by name, or by UUID without a name; add to `unread` what is none."""
    for record in records:
        uuid = name_of(record.uuid) if isinstance(record, _Node) else ""
        if not uuid or not isinstance(record, _Node):
            unread.append(uuid)
            continue
        yield name_of(record.name) or uuid, BareMetal(uuid, _node(record))


def _node(record: _Node) -> SchedulerNode:
    words = _words(record)
    total = _total(record.properties)
    return SchedulerNode(
        *normalize_state(words),
        reason=_reason(record),
        reason_at_s=time_of(record.provision_updated_at) if _reason(record) else None,
        features=(resource_class,) if (resource_class := name_of(record.resource_class)) else (),
        total=total,
        allocated=_allocated(total, words),
    )


def _words(record: _Node) -> tuple[str, ...]:
    """Return what the state is decided from: base, provisioning, maintenance, power."""
    provision, power = word_of(record.provision_state), word_of(record.power_state)
    if name_of(record.instance_uuid) or provision in _WITH_TENANT:
        words = ["allocated", *(() if provision == "active" else (provision,))]
    elif provision == "available":
        words = ["idle" if power else "unknown"]
    else:
        words = [provision or "unknown"]
    if record.maintenance is True:
        words += ["drain", "maintenance"]
    elif record.maintenance is not False and words == ["idle"]:
        words = ["unknown"]
    return tuple(filter(None, (*words, _POWER.get(power, ""))))


def _reason(record: _Node) -> str:
    """Return why a node is out of service."""
    reasons = (record.maintenance_reason, record.last_error)
    return next((reason for reason in reasons if isinstance(reason, str) and reason), "")


def _total(properties: Any) -> Resources | None:
    if not isinstance(properties, dict):
        return None
    return resources(properties.get("cpus"), properties.get("memory_mb"))


def _allocated(total: Resources | None, words: tuple[str, ...]) -> Resources | None:
    """Return the whole node or nothing of it: an instance shares its node with no other."""
    if total is None or words[0] == "unknown":
        return None
    if words[0] == "allocated":
        return total
    return Resources(
        None if total.cpus is None else 0, None if total.memory_bytes is None else 0, total.gres
    )
