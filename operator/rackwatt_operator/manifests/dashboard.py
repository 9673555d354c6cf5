"""The ConfigMap of the dashboard, which Grafana's sidecar finds by its label."""

import hashlib
from collections.abc import Iterable
from typing import assert_never

import msgspec

from rackwatt_operator.manifests import naming, prometheusrule
from rackwatt_operator.manifests.dashboards.fleet import fleet_panels
from rackwatt_operator.manifests.dashboards.grafana import Panel, dashboard
from rackwatt_operator.manifests.dashboards.grid import grid_panels
from rackwatt_operator.manifests.dashboards.nodes import node_panels
from rackwatt_operator.manifests.dashboards.scheduler import scheduler_panels
from rackwatt_operator.manifests.params import Manifest, Params

_FOUND_BY = {"grafana_dashboard": "1"}


def dashboards(params: Params) -> list[Manifest]:
    """Build the ConfigMap, unless dashboards are disabled."""
    if not params.wants("dashboards"):
        return []
    said = params.monitoring.get("dashboards", {})
    title = f"Rackwatt {params.namespace}/{params.name}"
    made = dashboard(_uid(params), title, ["rackwatt", params.component], _panels(params))
    text = msgspec.json.format(msgspec.json.encode(made), indent=1).decode()  # json's takes 1 ms
    data = {f"{params.base}.json": text + "\n"}
    manifest = params.manifest("v1", "ConfigMap", naming.dashboard(params.base), data=data)
    metadata = manifest["metadata"]
    metadata["labels"] = said.get("labels", {}) | metadata["labels"] | _FOUND_BY
    if said.get("annotations"):
        metadata["annotations"] = said["annotations"]
    return [manifest]


def _panels(params: Params) -> Iterable[Panel]:
    match params.component:
        case "bmc":
            return fleet_panels(params, recorded=prometheusrule.is_made(params))
        case "scheduler":
            return scheduler_panels(params)
        case "node":
            return node_panels(params, recorded=prometheusrule.is_made(params))
        case "grid":
            return grid_panels(params)
        case never:
            assert_never(never)


def _uid(params: Params) -> str:
    """Name it for Grafana, the same for ever: links and stars hang on it."""
    whose = f"{params.namespace}/{params.base}".encode()
    return f"rackwatt-{hashlib.blake2b(whose, digest_size=10).hexdigest()}"
