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


def dashboards(subject: Params) -> list[Manifest]:
    """Make the ConfigMap, unless dashboards are disabled."""
    if not subject.wants("dashboards"):
        return []
    said = subject.monitoring.get("dashboards", {})
    title = f"Rackwatt {subject.namespace}/{subject.name}"
    made = dashboard(_uid(subject), title, ["rackwatt", subject.component], _panels(subject))
    text = msgspec.json.format(msgspec.json.encode(made), indent=1).decode()  # json's takes 1 ms
    data = {f"{subject.base}.json": text + "\n"}
    manifest = subject.manifest("v1", "ConfigMap", naming.dashboard(subject.base), data=data)
    metadata = manifest["metadata"]
    metadata["labels"] = said.get("labels", {}) | metadata["labels"] | _FOUND_BY
    if said.get("annotations"):
        metadata["annotations"] = said["annotations"]
    return [manifest]


def _panels(subject: Params) -> Iterable[Panel]:
    match subject.component:
        case "bmc":
            return fleet_panels(subject, recorded=prometheusrule.is_made(subject))
        case "scheduler":
            return scheduler_panels(subject)
        case "node":
            return node_panels(subject, recorded=prometheusrule.is_made(subject))
        case "grid":
            return grid_panels(subject)
        case never:
            assert_never(never)


def _uid(subject: Params) -> str:
    """Name it for Grafana, the same for ever: links and stars hang on it."""
    whose = f"{subject.namespace}/{subject.base}".encode()
    return f"rackwatt-{hashlib.blake2b(whose, digest_size=10).hexdigest()}"
