"""AccountingAvailable: whether the pod of accounting runs, beside Available and Ready."""

from typing import Any

from rackwatt_crds.loading import parse_document
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests.params import MONITORING
from rackwatt_operator.status.apply_error import ApplyError
from rackwatt_operator.status.builder import build_conditions
from rackwatt_operator.status.inputs import StatusInputs
from rackwatt_operator.status.workload import Workload
from tests.operator.kube_user import binding

COLLECTOR = Workload(ObjectKey("Deployment", "centre", "sb-prod-0"), 1, 1, True)


def conditions(accounting: Any, **inputs: Any) -> dict[str, tuple[str, str, str]]:
    raw = binding("prod", "centre", noop=None, slurm={"cli": {}}, accounting=accounting)
    document = parse_document(raw, "").document
    assert document is not None
    drafts = build_conditions(
        StatusInputs(document, (), (), None, frozenset(), MONITORING, **inputs)
    )
    return {one.type: (one.status, one.reason, one.message) for one in drafts}


def pod(ready: int) -> Workload:
    return Workload(ObjectKey("Deployment", "centre", "sb-prod-accounting"), 1, ready, True)


def test_a_binding_without_accounting_has_no_such_condition() -> None:
    assert "AccountingAvailable" not in conditions(None, workloads=[COLLECTOR])
    assert "AccountingAvailable" not in conditions({"enabled": False}, workloads=[COLLECTOR])


def test_a_pod_that_is_ready_makes_it_true_and_counts_as_no_collector() -> None:
    found = conditions({}, workloads=[COLLECTOR, pod(1)])
    assert found["AccountingAvailable"] == (
        "True",
        "Available",
        "1 of 1 pods of accounting are ready",
    )
    assert found["Available"] == ("True", "Available", "1 of 1 collectors are ready")


def test_a_pod_that_is_not_ready_leaves_the_other_conditions_alone() -> None:
    found = conditions({}, workloads=[COLLECTOR, pod(0)])
    assert found["AccountingAvailable"][:2] == ("False", "RolloutInProgress")
    assert "those of sb-prod-accounting are not" in found["AccountingAvailable"][2]
    assert found["Available"][0] == "True"
    assert found["Ready"][:2] == ("Unknown", "Pending")


def test_a_volume_that_cannot_be_applied_is_its_reason_and_of_no_other() -> None:
    claim = ObjectKey("PersistentVolumeClaim", "centre", "sb-prod-accounting")
    error = ApplyError(claim, "ApplyRejected", "no such StorageClass")
    found = conditions({}, workloads=[COLLECTOR, pod(0)], apply_errors=[error])
    assert found["AccountingAvailable"] == ("False", "ApplyRejected", "no such StorageClass")
    assert found["Available"][0] == "True"


def test_it_is_not_created_until_there_is_a_pod() -> None:
    found = conditions({}, workloads=[COLLECTOR])
    assert found["AccountingAvailable"] == (
        "False",
        "NotCreated",
        "there are no pods of accounting yet",
    )
