"""Nova's hypervisors as nodes and its servers as jobs, in the shapes of every microversion.

Until 2.87 a hypervisor has counts of its servers, vCPUs and MiB. From 2.88 on it has its servers
alone, and Placement has the rest. A server has its flavor inline from 2.47 on; before, only the id
of it (Compute API, os-hypervisors and servers).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import ACTIVE, WAITING, normalize_job_state
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import normalize_state
from rackwatt_exporter.schedulers.model.resources import Gres, Resources, distinct_gres
from rackwatt_exporter.schedulers.openstack.records import (
    NoRecord,
    count_of,
    name_of,
    resources,
    time_of,
    word_of,
)

LAST_WITH_COUNTS = (2, 87)
_RANGE = re.compile(rb"Minimum is (\d+)\.(\d+) and maximum is (\d+)\.(\d+)")
# The state of a job by the status of a server, beside which the status is a flag. A server that is
# shut off keeps its hypervisor; one that is shelved and offloaded does not.
_STATES = {
    "active": "running",
    "build": "configuring",
    "error": "error",
    "hard_reboot": "running",
    "migrating": "running",
    "password": "running",
    "paused": "suspended",
    "reboot": "running",
    "rebuild": "running",
    "rescue": "running",
    "resize": "running",
    "revert_resize": "running",
    "shelved": "suspended",
    "shelved_offloaded": "held",
    "shutoff": "suspended",
    "soft_deleted": "suspended",
    "suspended": "suspended",
    "verify_resize": "running",
    "deleted": "cancelled",
    "unknown": "unknown",
}
_GPUS = {"resources:VGPU": "vgpu", "resources:PGPU": ""}
_PASSED_THROUGH = "pci_passthrough:alias"  # devices of a kind that only Nova's configuration knows

Microversion = tuple[int, int]
HYPERVISORS_PATH = "/os-hypervisors/detail"
SERVERS_PATH = "/servers/detail"


class _Hypervisor(msgspec.Struct):
    id: Any = None
    hypervisor_hostname: Any = None
    hypervisor_type: Any = None
    state: Any = None
    status: Any = None
    service: Any = None
    running_vms: Any = None
    servers: Any = None
    vcpus: Any = None
    vcpus_used: Any = None
    memory_mb: Any = None
    memory_mb_used: Any = None


class _Server(msgspec.Struct):
    id: Any = None
    status: Any = None
    user_id: Any = None
    tenant_id: Any = None
    flavor: Any = None
    created: Any = None
    launched_at: Any = msgspec.field(default=None, name="OS-SRV-USG:launched_at")
    task_state: Any = msgspec.field(default=None, name="OS-EXT-STS:task_state")
    hypervisor: Any = msgspec.field(default=None, name="OS-EXT-SRV-ATTR:hypervisor_hostname")


class HypervisorPage(msgspec.Struct):
    """A part of `GET /os-hypervisors/detail`."""

    hypervisors: list[_Hypervisor | NoRecord]
    hypervisors_links: Any = None

    @property
    def records(self) -> Sequence[object]:
        """The hypervisors of this part."""
        return self.hypervisors

    @property
    def next_page(self) -> str:
        """The URL of the next part; empty at the end."""
        return _next(self.hypervisors_links)


class ServerPage(msgspec.Struct):
    """A part of `GET /servers/detail`."""

    servers: list[_Server | NoRecord]
    servers_links: Any = None

    @property
    def records(self) -> Sequence[object]:
        """The servers of this part."""
        return self.servers

    @property
    def next_page(self) -> str:
        """The URL of the next part; empty at the end."""
        return _next(self.servers_links)


class Hypervisor(NamedTuple):
    """A hypervisor: its id, which is that of its resource provider, and its node."""

    id: str
    ironic: bool
    node: SchedulerNode


HYPERVISORS = msgspec.json.Decoder(HypervisorPage)
SERVERS = msgspec.json.Decoder(ServerPage)


def version_text(version: Microversion) -> str:
    """Return a microversion as the API writes it."""
    return f"{version[0]}.{version[1]}"


def headers(version: Microversion) -> Mapping[str, str]:
    """Return the headers that choose a microversion; Nova before 2.27 reads the second."""
    text = version_text(version)
    return {"OpenStack-API-Version": f"compute {text}", "X-OpenStack-Nova-API-Version": text}


def supported(body: bytes, wanted: Microversion) -> Microversion | None:
    """Return the nearest version that a refusal (406) names; None where it names none."""
    found = _RANGE.search(body)
    if found is None:
        return None
    oldest, newest = ((int(found[i]), int(found[i + 1])) for i in (1, 3))
    return min(max(wanted, oldest), newest)


def hypervisors(records: Iterable[object], unread: list[str]) -> Iterator[tuple[str, Hypervisor]]:
    """Yield the hypervisors by host name; add to `unread` what is none."""
    for record in records:
        name = name_of(record.hypervisor_hostname) if isinstance(record, _Hypervisor) else ""
        if not name or not isinstance(record, _Hypervisor):
            unread.append(name)
            continue
        ironic = word_of(record.hypervisor_type) == "ironic"
        yield name, Hypervisor(name_of(record.id), ironic, _node(record))


def jobs(records: Iterable[object], unread: list[str]) -> Iterator[Job]:
    """Yield the servers, with the ids of users and projects; add to `unread` what is none."""
    for record in records:
        number = name_of(record.id) if isinstance(record, _Server) else ""
        if not number or not isinstance(record, _Server):
            unread.append(number)
            continue
        yield _job(record, number)


def _node(record: _Hypervisor) -> SchedulerNode:
    """Return the node of a hypervisor. It is idle only if that is certain."""
    running = _running(record)
    words = ["unknown" if running is None else "allocated" if running else "idle"]
    state, status = word_of(record.state), word_of(record.status)
    if state != "up":
        words = ["down" if state == "down" else "unknown"]
    if status == "disabled":
        words.append("drain")
    elif status != "enabled" and words == ["idle"]:
        words = ["unknown"]
    reason = record.service.get("disabled_reason") if isinstance(record.service, dict) else None
    return SchedulerNode(
        *normalize_state(tuple(words)),
        reason=reason if isinstance(reason, str) else "",
        total=resources(record.vcpus, record.memory_mb),
        allocated=resources(record.vcpus_used, record.memory_mb_used),
    )


def _running(record: _Hypervisor) -> int | None:
    if isinstance(record.servers, list):
        return len(record.servers)
    return count_of(record.running_vms)


def _job(record: _Server, number: str) -> Job:
    host = name_of(record.hypervisor)
    status = word_of(record.status)
    state = _STATES.get(status, status)
    if status == "build" and not host:
        state = "pending"
    flags = "" if status == "active" else status, word_of(record.task_state)
    parsed = normalize_job_state(tuple(filter(None, (state, *flags))))
    amount = _flavor(record.flavor)
    placed = parsed.state in ACTIVE and host
    return Job(
        number,
        *parsed,
        user=name_of(record.user_id),
        account=name_of(record.tenant_id),
        submitted_at_s=time_of(record.created),
        started_at_s=time_of(record.launched_at),
        requested=amount if parsed.state in WAITING else None,
        allocated=amount if placed else None,
        nodes=(host,) if placed else (),
        per_node=(amount,) if placed and amount else (),
    )


def _flavor(flavor: Any) -> Resources | None:
    """Return the amount of an inline flavor; None of one that is an id."""
    if not isinstance(flavor, dict):
        return None
    return resources(flavor.get("vcpus"), flavor.get("ram"), _gres(flavor.get("extra_specs")))


def _gres(specs: Any) -> tuple[Gres, ...] | None:
    """Return the GPUs of a flavor; None where the flavor may have others."""
    if not isinstance(specs, dict) or _PASSED_THROUGH in specs:
        return None
    counts = ((kind, count_of(specs.get(key))) for key, kind in _GPUS.items())
    return distinct_gres(("gpu", kind, count) for kind, count in counts if count)


def _next(links: Any) -> str:
    """Return the link to the next part of a list."""
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next":
            return str(link.get("href", ""))
    return ""
