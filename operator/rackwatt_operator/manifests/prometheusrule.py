"""The PrometheusRule: alerts, and recording rules for the dashboards."""

from collections.abc import Iterator
from functools import partial
from typing import Any, assert_never

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.node.collectors import choices
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.promql import job, select, select_namespace
from rackwatt_operator.manifests.rules.collector import collector_alerts
from rackwatt_operator.manifests.rules.energy import energy_alerts, unit_alerts
from rackwatt_operator.manifests.rules.fleet import fleet_alerts, fleet_records
from rackwatt_operator.manifests.rules.nodes import grid_alerts, node_alerts, node_records
from rackwatt_operator.manifests.rules.power import power_records
from rackwatt_operator.manifests.rules.rule import Alert, Record
from rackwatt_operator.manifests.rules.scheduler import scheduler_alerts, states_alerts
from rackwatt_operator.manifests.rules.unit_power import unit_power_records

KIND = "PrometheusRule"


def is_made(params: Params) -> bool:
    """Return whether rules are enabled and the API has the kind."""
    return KIND in params.facts.monitoring and params.wants("rules")


def prometheus_rule(params: Params) -> list[Manifest]:
    """Build the PrometheusRule, if there is to be one."""
    if not is_made(params):
        return []
    whose = {
        "namespace": params.namespace,
        "job": job(params),
        params.kind.lower(): params.name,
    }
    records = [record.rule() for record in _records(params)]
    alerts = [alert.rule(whose) for alert in _alerts(params)]
    groups = {f"{params.base}.records": records, f"{params.base}.alerts": alerts}
    spec = {"groups": [_group(name, rules) for name, rules in groups.items() if rules]}
    made = params.manifest("monitoring.coreos.com/v1", KIND, params.base, spec=spec)
    said = params.monitoring.get("rules", {})
    made["metadata"]["labels"] = said.get("labels", {}) | made["metadata"]["labels"]
    return [made]


def _group(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "rules": rules}


def _records(params: Params) -> Iterator[Record]:
    match params.component:
        case "bmc":
            yield from fleet_records(params)
            if params.bindings:
                yield from power_records(partial(select, params))
        case "node":
            yield from node_records(params)
            if _has_units(params):
                bmcs = partial(select_namespace, params)
                yield from unit_power_records(partial(select, params), bmcs)
        case "grid" | "scheduler":
            return
        case never:
            assert_never(never)


def _has_units(params: Params) -> bool:
    """Return whether the CPU time of units, and of their whole node, is known."""
    target = params.power_target
    node = target.spec.node if target else None
    return bool(node and node.units and any(one.name == "cpu" for one in choices(node)))


def _alerts(params: Params) -> Iterator[Alert]:
    yield from collector_alerts(params)
    match params.component:
        case "bmc":
            yield from fleet_alerts(params)
        case "node":
            yield from node_alerts(params)
            yield from energy_alerts(params)
            yield from unit_alerts(params)
        case "grid":
            yield from grid_alerts(params)
        case "scheduler":
            yield from scheduler_alerts(params)
        case never:
            assert_never(never)
    if isinstance(params.document, SchedulerBinding):
        yield from states_alerts(params, params.name, params.document.spec)
    for name, spec in params.bindings.items():
        yield from states_alerts(params, name, spec)
