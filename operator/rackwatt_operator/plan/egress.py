"""Whom a document's collectors must reach: the ports of its NetworkPolicy.

A NetworkPolicy sees the port of a pod, behind a Service's own. So where a document names a Service
of this cluster, its pods are let whatever their port.
"""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import SplitResult

from rackwatt_crds import ports
from rackwatt_crds.bmc.entries import method, usable
from rackwatt_crds.bmc.hosts import Bmc
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.schedulers import service, services

Port = tuple[str, int]

_METHODS: dict[str, tuple[str, str, int]] = {
    "ipmi": ("ipmi", "UDP", ports.IPMI),
    "ipmiSsh": ("ipmi_ssh", "TCP", ports.SSH),
    "snmp": ("snmp", "UDP", ports.SNMP),
    "redfish": ("redfish", "TCP", ports.REDFISH),
}


def needed_ports(document: Document) -> list[Port]:
    """List the protocols and ports that a document's collectors ask, each once."""
    if not isinstance(document, PowerTarget):
        return sorted(set(_scheduler_ports(document.spec)))
    bmc = document.spec.bmc
    return sorted(set(_bmc_ports(bmc))) if bmc is not None else []


def names_a_service(document: Document) -> bool:
    """Tell whether what a document names is a Service of this cluster, as far as names tell."""
    if not isinstance(document, PowerTarget):
        return any(map(_is_service, _scheduler_hosts(document.spec)))
    entries = usable(document.spec.bmc) if document.spec.bmc else []
    return any(".svc" in (entry.address or entry.addresses or "") for entry in entries)


def _bmc_ports(bmc: Bmc) -> Iterator[Port]:
    for entry in usable(bmc):
        if (asked := method(bmc, entry)) in _METHODS:
            field, protocol, default = _METHODS[asked]
            layers = getattr(entry, field), getattr(bmc, field)
            said = (layer.port for layer in layers if layer is not None and layer.port is not None)
            yield protocol, next(said, default)


def _scheduler_ports(spec: SchedulerBindingSpec) -> Iterator[Port]:
    for parts in _services(spec):
        yield "TCP", parts.port or (443 if parts.scheme == "https" else 80)
    if spec.slurm is not None and spec.slurm.ssh is not None:
        yield "TCP", spec.slurm.ssh.port or ports.SSH
    if spec.slurm is not None and spec.slurm.cli is not None:
        yield "TCP", ports.SLURMCTLD


def _scheduler_hosts(spec: SchedulerBindingSpec) -> Iterator[str]:
    for parts in _services(spec):
        yield parts.hostname or ""
    if spec.slurm is not None and spec.slurm.ssh is not None:
        yield spec.slurm.ssh.host


def _services(spec: SchedulerBindingSpec) -> Iterator[SplitResult]:
    for _, url in services(spec):
        with suppress(ValueError):  # which the collector tells
            yield service(url)


def _is_service(host: str) -> bool:
    """Tell a Service's name: one word, or one that says it is one. An address is none."""
    return ":" not in host and ("." not in host or "svc" in host.split("."))
