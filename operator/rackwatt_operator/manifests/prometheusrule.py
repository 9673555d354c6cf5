"""The PrometheusRule: what is worth waking somebody for, and what dashboards need added up."""

from collections.abc import Iterator
from typing import Any, assert_never

from rackwatt_crds.document import SchedulerBinding
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.promql import job
from rackwatt_operator.manifests.rules.collector import collector_alerts
from rackwatt_operator.manifests.rules.fleet import fleet_alerts, fleet_records
from rackwatt_operator.manifests.rules.nodes import grid_alerts, node_alerts, node_records
from rackwatt_operator.manifests.rules.rule import Alert, Record
from rackwatt_operator.manifests.rules.scheduler import scheduler_alerts, states_alerts

KIND = "PrometheusRule"


def is_made(subject: Params) -> bool:
    """Tell whether there are rules at all: not where disabled, nor where the API has none."""
    return KIND in subject.facts.monitoring and subject.wants("rules")


def prometheus_rule(subject: Params) -> list[Manifest]:
    """Make the PrometheusRule, if there is to be one."""
    if not is_made(subject):
        return []
    whose = {
        "namespace": subject.namespace,
        "job": job(subject),
        subject.kind.lower(): subject.name,
    }
    records = [record.rule() for record in _records(subject)]
    alerts = [alert.rule(whose) for alert in _alerts(subject)]
    groups = {f"{subject.base}.records": records, f"{subject.base}.alerts": alerts}
    spec = {"groups": [_group(name, rules) for name, rules in groups.items() if rules]}
    made = subject.manifest("monitoring.coreos.com/v1", KIND, subject.base, spec=spec)
    said = subject.monitoring.get("rules", {})
    made["metadata"]["labels"] = said.get("labels", {}) | made["metadata"]["labels"]
    return [made]


def _group(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "rules": rules}


def _records(subject: Params) -> Iterator[Record]:
    match subject.component:
        case "bmc":
            yield from fleet_records(subject)
        case "node":
            yield from node_records(subject)
        case "grid" | "scheduler":
            return
        case never:
            assert_never(never)


def _alerts(subject: Params) -> Iterator[Alert]:
    yield from collector_alerts(subject)
    match subject.component:
        case "bmc":
            yield from fleet_alerts(subject)
        case "node":
            yield from node_alerts(subject)
        case "grid":
            yield from grid_alerts(subject)
        case "scheduler":
            yield from scheduler_alerts(subject)
        case never:
            assert_never(never)
    if isinstance(subject.document, SchedulerBinding):
        yield from states_alerts(subject, subject.name, subject.document.spec)
    for name, spec in subject.bindings.items():
        yield from states_alerts(subject, name, spec)
