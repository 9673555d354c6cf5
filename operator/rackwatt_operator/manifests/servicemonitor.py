"""The ServiceMonitor: how Prometheus Operator has the collectors scraped.

`honorLabels`: `node` is the machine that was measured, and stays so whatever else a Prometheus
calls `node`. A collector inside a node is known by that node, not by an address that changes.
"""

from typing import Any

from rackwatt_crds.duration import seconds
from rackwatt_crds.web import Web
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.labels import (
    labels_of_accounting,
    selector,
    selector_of_accounting,
)
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.web import scheme, server_name

KIND = "ServiceMonitor"

_AS_GIVEN = (
    "jobLabel", "sampleLimit", "targetLimit", "targetLabels", "podTargetLabels", "scrapeClass",
)  # fmt: skip
_INSTANCE_IS_NODE = {
    "action": "replace",
    "sourceLabels": ["__meta_kubernetes_pod_node_name"],
    "targetLabel": "instance",
}


def service_monitor(params: Params) -> list[Manifest]:
    """Build the ServiceMonitor, unless it is disabled or the API does not know the kind."""
    if KIND not in params.facts.monitoring or not params.wants("serviceMonitor"):
        return []
    made = [_monitor(params, params.base, params.web, selector(params.base))]
    if params.accounting is not None:
        name = naming.accounting(params.base)
        made.append(
            _monitor(params, name, params.accounting.web, selector_of_accounting(params.base))
        )
        made[-1]["metadata"]["labels"] |= labels_of_accounting(params.base)
    return made


def _monitor(params: Params, name: str, web: Web | None, selected: dict[str, str]) -> Manifest:
    said = params.service_monitor
    endpoint = _endpoint(params, web, name)
    spec: dict[str, Any] = {"selector": {"matchLabels": selected}, "endpoints": [endpoint]}
    spec |= {key: said[key] for key in _AS_GIVEN if said.get(key)}
    made = params.manifest("monitoring.coreos.com/v1", KIND, name, spec=spec)
    made["metadata"]["labels"] = said.get("labels", {}) | made["metadata"]["labels"]
    if said.get("annotations"):
        made["metadata"]["annotations"] = said["annotations"]
    return made


def _endpoint(params: Params, web: Web | None, name: str) -> dict[str, Any]:
    said = params.service_monitor
    nodes = [_INSTANCE_IS_NODE] if params.component == "node" else []
    parts = {
        "interval": said.get("interval"),
        "scrapeTimeout": _timeout(said),
        **_login(params, web, name),
        "relabelings": nodes + said.get("relabelings", []),
        "metricRelabelings": said.get("metricRelabelings", []),
    }
    endpoint: dict[str, Any] = {"port": scheme(web), "path": "/metrics"}
    endpoint["honorLabels"] = said.get("honorLabels", True)
    return endpoint | {key: part for key, part in parts.items() if part}


def _login(params: Params, web: Web | None, name: str) -> dict[str, Any]:
    """Say how the pages are reached: Prometheus Operator reads the Secrets where the monitor is."""
    made = dict[str, Any]()
    if web is not None and web.tls is not None:
        tls: dict[str, Any] = {"serverName": server_name(web, name, params.namespace)}
        if web.tls.ca_secret_ref is not None:
            tls["ca"] = {"secret": {"name": web.tls.ca_secret_ref.name, "key": "ca.crt"}}
        if web.tls.client_secret_ref is not None:
            name = web.tls.client_secret_ref.name
            tls["cert"] = {"secret": {"name": name, "key": "tls.crt"}}
            tls["keySecret"] = {"name": name, "key": "tls.key"}
        if web.tls.insecure_skip_verify:
            tls["insecureSkipVerify"] = True
        made |= {"scheme": "https", "tlsConfig": tls}
    if web is not None and web.credentials is not None:
        name = web.credentials.secret_ref.name
        made["basicAuth"] = {key: {"name": name, "key": key} for key in ("username", "password")}
    return made


def _timeout(said: dict[str, Any]) -> str | None:
    """Hold the timeout within the interval: Prometheus Operator refuses any other.

    They may come from two places, the document and the defaults.
    """
    interval, timeout = said.get("interval"), said.get("scrapeTimeout")
    if interval is None or timeout is None:
        return timeout
    return str(min(interval, timeout, key=seconds))
