"""LustreConnected: whether Prometheus answers for spec.lustre, beside Ready and not before it."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from rackwatt_crds.loading import parse_document
from rackwatt_operator.manifests.params import MONITORING
from rackwatt_operator.status.builder import build_status
from rackwatt_operator.status.collector_status import CollectorStatus, aggregate, parse
from rackwatt_operator.status.conditions import lustre_connected
from rackwatt_operator.status.inputs import StatusInputs
from tests.operator.kube_user import binding

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SPEC = {"prometheusURL": "http://prometheus.example:9090"}
UP = {"name": "prod", "up": True, "jobids": {"job": 3}}
FAILING = {
    "name": "prod", "up": False, "reason": "auth_failed", "message": "Prometheus rejects the log-in",
}  # fmt: skip


def collectors(*lustre: Any) -> CollectorStatus:
    answer = {"schedulers": [{"name": "prod", "up": True, "nodes": {"idle": 1}}], "lustre": lustre}
    return aggregate([parse(msgspec.json.encode(answer))], 10)


def found(collectors: CollectorStatus | None, lustre: Any = SPEC) -> StatusInputs:
    manifest = binding("prod", "centre")
    if lustre:
        manifest["spec"] = {"cluster": "c", "slurm": {"cli": {}}, "lustre": lustre}
    document = parse_document(manifest, "").document
    return StatusInputs(document, (), (), None, frozenset(), MONITORING, collectors=collectors)


def test_lustre_connected_is_absent_from_a_binding_without_lustre() -> None:
    assert not list(lustre_connected(found(collectors(), None)))


def test_lustre_connected_is_unknown_until_prometheus_was_queried() -> None:
    for status in (None, collectors(), collectors({"name": "prod"})):
        (condition,) = lustre_connected(found(status))
        assert (condition.status, condition.reason) == ("Unknown", "Pending")


def test_lustre_connected_is_true_when_prometheus_answers() -> None:
    (condition,) = lustre_connected(found(collectors(UP)))
    assert (condition.status, condition.reason) == ("True", "Connected")


def test_lustre_connected_has_the_reason_of_a_failure_and_ready_ignores_it() -> None:
    status = build_status(found(collectors(FAILING)), {}, 1, NOW)
    conditions = {one["type"]: one for one in status["conditions"]}
    failed = conditions["LustreConnected"]
    assert (failed["status"], failed["reason"]) == ("False", "AuthFailed")
    assert failed["message"] == "Prometheus rejects the log-in"
    assert conditions["Ready"]["reason"] != "AuthFailed"


def test_a_failure_of_lustre_is_another_outcome_and_a_count_is_not() -> None:
    up = collectors(UP)
    assert up.same_outcome(collectors({**UP, "jobids": {"job": 4}}))
    assert not up.same_outcome(collectors(FAILING))
    assert up.complete
    assert collectors(FAILING).complete
    assert not collectors({"name": "prod"}).complete
