"""The ConfigMap of the dashboards, which Grafana's sidecar finds by its label."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple, assert_never

import msgspec

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.node.collectors import named
from rackwatt_crds.node.unit_requirements import GPU_COLLECTORS
from rackwatt_operator.manifests import naming, prometheusrule
from rackwatt_operator.manifests.dashboards.energy import energy_panels
from rackwatt_operator.manifests.dashboards.fleet import fleet_panels
from rackwatt_operator.manifests.dashboards.gpus import gpu_panels
from rackwatt_operator.manifests.dashboards.grafana import Panel, dashboard
from rackwatt_operator.manifests.dashboards.grid import grid_panels
from rackwatt_operator.manifests.dashboards.jobs import job_boards
from rackwatt_operator.manifests.dashboards.lustre import lustre_panels
from rackwatt_operator.manifests.dashboards.nodes import node_panels
from rackwatt_operator.manifests.dashboards.scheduler import scheduler_panels
from rackwatt_operator.manifests.dashboards.units import unit_panels
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.rules.energy import is_divided

_FOUND_BY = {"grafana_dashboard": "1"}


class _Board(NamedTuple):
    """One dashboard; the subject is empty for the first of a document."""

    subject: str
    panels: Iterable[Panel]


def dashboards(params: Params) -> list[Manifest]:
    """Build the ConfigMap, unless dashboards are disabled."""
    if not params.wants("dashboards"):
        return []
    said = params.monitoring.get("dashboards", {})
    data = {f"{_name(params, one)}.json": _text(params, one) for one in _boards(params)}
    manifest = params.manifest("v1", "ConfigMap", naming.dashboard(params.base), data=data)
    metadata = manifest["metadata"]
    metadata["labels"] = said.get("labels", {}) | metadata["labels"] | _FOUND_BY
    if said.get("annotations"):
        metadata["annotations"] = said["annotations"]
    return [manifest]


def _boards(params: Params) -> Iterator[_Board]:
    yield _Board("", _panels(params))
    if isinstance(params.document, SchedulerBinding):
        for subject, panels in job_boards(params, params.document.spec):
            yield _Board(subject, panels)
        if params.document.spec.lustre is not None:
            yield _Board("lustre", lustre_panels(params))
    elif (node := params.document.spec.node) is not None:
        if is_divided(params):
            yield _Board("energy", energy_panels(params))
        if node.units is not None:
            yield _Board("units", unit_panels(params))
        if GPU_COLLECTORS & named(node):
            yield _Board("gpus", gpu_panels(params))


def _panels(params: Params) -> Iterable[Panel]:
    recorded = prometheusrule.is_made(params)
    match params.component:
        case "bmc":
            return fleet_panels(params, recorded)
        case "scheduler":
            assert isinstance(params.document, SchedulerBinding)  # noqa: S101 - its component
            return scheduler_panels(params, params.document.spec)
        case "node":
            return node_panels(params, recorded)
        case "grid":
            return grid_panels(params)
        case never:
            assert_never(never)


def _text(params: Params, board: _Board) -> str:
    title = f"Rackwatt {params.namespace}/{params.name} {board.subject}".rstrip()
    uid = _uid(f"{params.namespace}/{_name(params, board)}")
    model = dashboard(uid, title, ["rackwatt", params.component], board.panels)
    # json's takes 1 ms
    return msgspec.json.format(msgspec.json.encode(model), indent=1).decode() + "\n"


def _name(params: Params, board: _Board) -> str:
    return f"{params.base}-{board.subject}" if board.subject else params.base


def _uid(whose: str) -> str:
    """Name it for Grafana, the same for ever: links and stars hang on it."""
    return f"rackwatt-{hashlib.blake2b(whose.encode(), digest_size=10).hexdigest()}"
