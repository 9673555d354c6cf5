"""The NetworkPolicy: ingress on one port, egress to the endpoints of the resource."""

from typing import Any

from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.egress import namespaces, needed_ports
from rackwatt_operator.manifests.labels import selector, selector_of_accounting
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.service import ACCOUNTING_PORT, PORT

# Behind its Service, OpenShift's DNS listens on 5353.
_DNS = [("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353)]


def network_policy(params: Params) -> Manifest:
    """Build the NetworkPolicy; ingress is open to all, as Prometheus may run anywhere."""
    spec = {
        "podSelector": {"matchLabels": selector(params.base)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": _ports([("TCP", PORT)])}],
        "egress": _egress(params),
    }
    return params.manifest("networking.k8s.io/v1", "NetworkPolicy", params.base, spec=spec)


def policy_of_accounting(params: Params) -> dict[str, Any]:
    """Build the spec of the NetworkPolicy of accounting, which people and Grafana connect to."""
    return {
        "podSelector": {"matchLabels": selector_of_accounting(params.base)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": _ports([("TCP", ACCOUNTING_PORT)])}],
        "egress": _named(params, of_accounting=True),
    }


def _named(params: Params, of_accounting: bool) -> list[dict[str, Any]]:
    """Allow name resolution, the ports of what a document names, and the Services among it."""
    rules: list[dict[str, Any]] = [{"ports": _ports(_DNS)}]
    if ports := needed_ports(params.document, of_accounting):
        rules.append({"ports": _ports(ports)})
    if named := namespaces(params.document, params.namespace, of_accounting):
        rules.append({"to": [_pods_of(one, params.namespace) for one in named]})
    return rules


def _egress(params: Params) -> list[dict[str, Any]]:
    rules = _named(params, of_accounting=False)
    if params.bindings:
        bases = [naming.base("SchedulerBinding", name) for name in params.bindings]
        peers = [{"podSelector": {"matchLabels": selector(base)}} for base in bases]
        rules.append({"to": peers, "ports": _ports([("TCP", PORT)])})
    return rules


def _pods_of(namespace: str, own: str) -> dict[str, Any]:
    if namespace == own:
        return {"podSelector": {}}
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


def _ports(ports: list[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"protocol": protocol, "port": port} for protocol, port in ports]
