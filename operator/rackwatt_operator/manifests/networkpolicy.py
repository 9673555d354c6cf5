"""The NetworkPolicy: collectors are asked on one port, and ask what their document needs."""

from typing import Any

from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.egress import namespaces, needed_ports
from rackwatt_operator.manifests.labels import selector
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.service import PORT

# Behind its Service, OpenShift's DNS listens on 5353.
_DNS = [("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353)]


def network_policy(subject: Params) -> Manifest:
    """Make the NetworkPolicy. Who may ask is left to whoever knows where Prometheus runs."""
    spec = {
        "podSelector": {"matchLabels": selector(subject.base)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": _ports([("TCP", PORT)])}],
        "egress": _egress(subject),
    }
    return subject.manifest("networking.k8s.io/v1", "NetworkPolicy", subject.base, spec=spec)


def _egress(subject: Params) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = [{"ports": _ports(_DNS)}]
    if asked := needed_ports(subject.document):
        rules.append({"ports": _ports(asked)})
    if named := namespaces(subject.document, subject.namespace):
        rules.append({"to": [_pods_of(one, subject.namespace) for one in named]})
    if subject.bindings:
        bases = [naming.base("SchedulerBinding", name) for name in subject.bindings]
        peers = [{"podSelector": {"matchLabels": selector(base)}} for base in bases]
        rules.append({"to": peers, "ports": _ports([("TCP", PORT)])})
    return rules


def _pods_of(namespace: str, own: str) -> dict[str, Any]:
    if namespace == own:
        return {"podSelector": {}}
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


def _ports(ports: list[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"protocol": protocol, "port": port} for protocol, port in ports]
