"""Whom a document's collectors must reach: the ports of its NetworkPolicy.

A NetworkPolicy sees the port of a pod, behind a Service's own, and no document names that. So where
one names a Service of this cluster, all pods of its namespace may be reached, on every port.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

from rackwatt_crds.accounting.accounting import connections as connections_of_accounting
from rackwatt_crds.bmc.expansion import method, valid_entries
from rackwatt_crds.bmc.hosts import Bmc
from rackwatt_crds.document import Document, PowerTarget, SchedulerBinding
from rackwatt_crds.endpoints import Connection, Endpoint, parse_url
from rackwatt_crds.kinds import METHODS, PROVIDERS, SCHEDULERS, chosen
from rackwatt_crds.lustre import connections as connections_of_lustre
from rackwatt_crds.node.redfish import connections as connections_of_redfish

Port = tuple[str, int]

_LISTED = re.compile(r"\[[^]]*\]|\{[^}]*\}")
"""What makes several hosts of one text: `n[1-3]`, `{name}`."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_MOST_LABELS = 3


def needed_ports(document: Document, of_accounting: bool = False) -> list[Port]:
    """List the transports and ports that a document's pods connect to, each once."""
    ends = _endpoints_of_accounting(document) if of_accounting else _endpoints(document)
    return sorted({(end.transport, end.port) for end in ends})


def namespaces(document: Document, own: str, of_accounting: bool = False) -> list[str]:
    """List the namespaces of the Services that a document names, as far as names say.

    A scheduler may be named as a pod's search path completes it: `slurmrestd`, `slurmrestd.slurm`.
    BMCs and providers have such names outside clusters, so theirs must have `.svc` in them.
    """
    ends = _endpoints_of_accounting(document) if of_accounting else _endpoints(document)
    hosts = {host for end in ends for host in _LISTED.sub("0", end.host).split(",")}
    if isinstance(document, PowerTarget):
        hosts = {host for host in hosts if "svc" in host.split(".")}
    return sorted({found for host in hosts if (found := _namespace(host, own))})


def _endpoints(document: Document) -> Iterator[Endpoint]:
    """Go through what is connected to; a host of BMCs is a host list."""
    if not isinstance(document, PowerTarget):
        kind, settings = chosen(SCHEDULERS, document.spec)
        yield from _connections(kind.connections(settings))
        if document.spec.lustre is not None:
            yield from _connections(connections_of_lustre(document.spec.lustre))
    elif document.spec.bmc is not None:
        yield from _bmc(document.spec.bmc)
    elif document.spec.node is not None and document.spec.node.redfish is not None:
        yield from _connections(connections_of_redfish(document.spec.node.redfish))
    elif document.spec.grid is not None:
        provider, settings = chosen(PROVIDERS, document.spec.grid)
        yield from _connections(provider.connections(settings))


def _endpoints_of_accounting(document: Document) -> Iterator[Endpoint]:
    """Go through what accounting connects to: the scheduler, and what its settings name."""
    if isinstance(document, SchedulerBinding) and document.spec.accounting is not None:
        kind, settings = chosen(SCHEDULERS, document.spec)
        yield from _connections(kind.connections(settings))
        yield from _connections(connections_of_accounting(document.spec.accounting))


def _bmc(bmc: Bmc) -> Iterator[Endpoint]:
    for entry in valid_entries(bmc):
        kind = METHODS[method(bmc, entry)]
        if kind.endpoint is not None:
            layers = getattr(entry, kind.field), getattr(bmc, kind.field)
            said = (layer.port for layer in layers if layer is not None and layer.port is not None)
            hosts = entry.address or entry.addresses or ""
            yield kind.endpoint._replace(host=hosts, port=next(said, kind.endpoint.port))


def _connections(connections: Iterable[Connection]) -> Iterator[Endpoint]:
    for connection in connections:
        if isinstance(connection, Endpoint):
            yield connection
            continue
        with suppress(ValueError):  # a URL that means nothing, which the collector reports
            url = parse_url(connection.text)
            port = url.port or (443 if url.scheme == "https" else 80)
            yield Endpoint(url.hostname or "", port)


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
