"""Whom a document's collectors must reach: the ports of its NetworkPolicy.

A NetworkPolicy sees the port of a pod, behind a Service's own, and no document names that. So where
one names a Service of this cluster, all pods of its namespace may be reached, on every port.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import SplitResult

from rackwatt_crds import ports
from rackwatt_crds.bmc.expansion import method, usable
from rackwatt_crds.bmc.hosts import Bmc
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.endpoints import service, services
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec

Port = tuple[str, int]

_METHODS: dict[str, tuple[str, str, int]] = {
    "ipmi": ("ipmi", "UDP", ports.IPMI),
    "ipmiSsh": ("ipmi_ssh", "TCP", ports.SSH),
    "snmp": ("snmp", "UDP", ports.SNMP),
    "redfish": ("redfish", "TCP", ports.REDFISH),
}


_LISTED = re.compile(r"\[[^]]*\]|\{[^}]*\}")
"""What makes several hosts of one text: `n[1-3]`, `{name}`."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_MOST_LABELS = 3


def needed_ports(document: Document) -> list[Port]:
    """List the protocols and ports that a document's collectors ask, each once."""
    if not isinstance(document, PowerTarget):
        return sorted(set(_scheduler_ports(document.spec)))
    bmc = document.spec.bmc
    return sorted(set(_bmc_ports(bmc))) if bmc is not None else []


def namespaces(document: Document, own: str) -> list[str]:
    """List the namespaces of the Services that a document names, as far as names say.

    A scheduler may be named as a pod's search path completes it: `slurmrestd`, `slurmrestd.slurm`.
    BMCs have such names outside clusters, so theirs must have `.svc` in them.
    """
    if isinstance(document, PowerTarget):
        bmc = document.spec.bmc
        texts = [one.address or one.addresses or "" for one in usable(bmc)] if bmc else []
        hosts = (host for text in set(texts) for host in _LISTED.sub("0", text).split(","))
        found = (_namespace(host, own) for host in hosts if "svc" in host.split("."))
    else:
        found = (_namespace(host, own) for host in _scheduler_hosts(document.spec))
    return sorted({one for one in found if one})


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


def _namespace(host: str, own: str) -> str:
    """Name the namespace that a host is a Service in, if it can be one; an address is in none.

    The names are `service`, `service.namespace` and `pod.service.namespace`, with `.svc` and the
    cluster's domain behind them or not. One that ends in a dot is completed by no search path.
    """
    labels = host.lower().split(".")
    if "svc" in labels[1:]:
        labels = labels[: labels.index("svc", 1)]
    elif len(labels) > _MOST_LABELS:
        return ""
    if len(labels) == 1:
        return own if _LABEL.match(host) else ""
    return labels[-1] if _LABEL.match(labels[-1]) and not labels[-1].isdigit() else ""
