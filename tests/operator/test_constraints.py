"""Clusters that assign uids to namespaces, as OpenShift does, simulated by an admission policy."""

from collections.abc import Iterator
from functools import partial

import pytest

from rackwatt_operator.kube.resources import ObjectKey
from tests.cluster.clients import Kubectl, Manifest
from tests.cluster.cluster import Cluster
from tests.operator.kube_user import KubeUser, base, binding, fleet, nodes, object_key
from tests.operator.operator_process import Operating

RANGE = (1000680000, 1000689999)
REFUSAL = (
    'unable to validate against any security context constraint: [provider "anyuid": Forbidden: '
    "not usable by user or serviceaccount, provider restricted-v2: .containers[0].runAsUser: "
    f"Invalid value: 65532: must be in the ranges: [{RANGE[0]}, {RANGE[1]}]]"
)
VALID = " && ".join(
    f"(!has(object.spec.securityContext.{field}) || (object.spec.securityContext.{field} >= "
    f"{RANGE[0]} && object.spec.securityContext.{field} <= {RANGE[1]}))"
    for field in ("runAsUser", "fsGroup")
)


def constraint(namespace: str) -> list[Manifest]:
    """Refuse pods of a namespace that ask for a uid or group of another range."""
    group = "admissionregistration.k8s.io/v1"
    pods = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
    }
    policy = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {
            "matchConstraints": {"resourceRules": [pods]},
            "matchConditions": [
                {"name": "here", "expression": f"request.namespace == '{namespace}'"}
            ],
            "validations": [{"expression": VALID, "message": REFUSAL, "reason": "Forbidden"}],
        },
    }
    bound = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"]},
    }
    return [policy, bound]


@pytest.fixture
def constrained(operated: Cluster, kube_user: KubeUser, namespace: str) -> Iterator[str]:
    """Return a namespace whose pods have a range of uids, once that is in force."""
    kubectl = Kubectl(operated)
    kubectl.apply(*constraint(namespace))
    probe = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "namespace": namespace},
        "spec": {
            "securityContext": {"runAsUser": 65532},
            "automountServiceAccountToken": False,
            "containers": [{"name": "probe", "image": "none"}],
        },
    }

    def refused() -> bool:
        answer = kube_user.client.post(
            f"/api/v1/namespaces/{namespace}/pods", params={"dryRun": "All"}, json=probe
        )
        return "security context constraint" in answer.text

    kube_user.until(refused, "the policy in force")
    yield namespace
    for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
        kubectl.delete(kind, namespace)


def test_collector_pods_are_admitted_where_the_cluster_assigns_uids(
    operator: Operating, kube_user: KubeUser, constrained: str
) -> None:
    for document in (fleet("lab", constrained), binding("prod", constrained)):
        kube_user.apply(document)
        label = f"app.kubernetes.io/instance={base(document)}"
        listed = partial(kube_user.list, "Pod", constrained, labelSelector=label)
        (pod,) = kube_user.until(listed, label)
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True


def test_available_names_the_constraint_that_refuses_pods_and_the_page_about_it(
    operator: Operating, kube_user: KubeUser, constrained: str
) -> None:
    foreign = fleet("foreign", constrained, pod={"securityContext": {"runAsUser": 65532}})
    kube_user.apply(foreign)
    condition = kube_user.until_reason(
        object_key(foreign), "Available", "SecurityContextConstraint"
    )
    assert condition["message"].startswith("see docs/openshift.md: ")
    assert "must be in the ranges" in condition["message"]


def test_available_names_the_constraint_that_a_daemon_set_reports_in_an_event_alone(
    operator: Operating, kube_user: KubeUser, constrained: str
) -> None:
    name = f"node-of-{constrained}"
    labelled = {"name": name, "labels": {"kubernetes.io/os": "linux"}}
    node = ObjectKey("Node", "", name)
    kube_user.create({"apiVersion": "v1", "kind": "Node", "metadata": labelled})
    try:
        workers = nodes("workers", constrained, node={"collectors": ["rapl"]})
        kube_user.apply(workers)
        condition = kube_user.until_reason(
            object_key(workers), "Available", "SecurityContextConstraint"
        )
        assert "docs/openshift.md" in condition["message"]
    finally:
        kube_user.delete(node)
