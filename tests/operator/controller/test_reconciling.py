"""Documents in a real cluster, and what a running operator makes of them."""

import copy
from functools import partial, reduce
from operator import getitem
from typing import Any

import pytest

from rackwatt_operator.kube.resources import BY_NAME, ObjectKey
from tests.cluster.clients import Manifest
from tests.cluster.cluster import Cluster
from tests.cluster.monitoring import GROUP
from tests.operator.kube_user import KubeUser, base, binding, fleet, nodes, object_key
from tests.operator.operator_process import Operating

pytestmark = pytest.mark.usefixtures("operator")


def names(kube_user: KubeUser, namespace: str) -> set[str]:
    """Return kind and name of each child, except those of Prometheus Operator."""
    children = (one for one in kube_user.children(namespace) if BY_NAME[one.kind].group != GROUP)
    return {f"{one.kind} {one.name}" for one in children}


def until_made(kube_user: KubeUser, namespace: str, *some: str) -> None:
    kube_user.until(
        lambda: set(some) <= names(kube_user, namespace),
        f"{some} in {namespace}",
        lambda: names(kube_user, namespace),
    )


def test_the_operator_creates_children_and_a_status_for_a_document(
    kube_user: KubeUser, namespace: str
) -> None:
    made = kube_user.apply(fleet("lab", namespace))
    one = object_key(made)
    condition = kube_user.until_reason(one, "Available", "RolloutInProgress")
    assert names(kube_user, namespace) == {
        "ServiceAccount pt-lab",
        "ConfigMap pt-lab",
        "ConfigMap pt-lab-dashboard",
        "Service pt-lab",
        "NetworkPolicy pt-lab",
        "Deployment pt-lab-0",
    }
    for child in kube_user.children(namespace).values():
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (made["metadata"]["uid"], True)
    assert condition["observedGeneration"] == 1
    assert kube_user.conditions(one)["Accepted"]["status"] == "True"
    assert kube_user.conditions(one)["Ready"]["status"] == "False"


def test_the_operator_changes_only_the_status_of_a_document(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")
    live = kube_user.get(one)
    assert live
    assert "finalizers" not in live["metadata"]
    assert "annotations" not in live["metadata"]
    fields = {
        (entry["manager"], entry.get("subresource", ""))
        for entry in live["metadata"]["managedFields"]
    }
    assert fields == {("tests", ""), ("rackwatt-operator", "status")}


def test_the_operator_updates_the_config_map_of_an_edited_document_without_a_rollout(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")
    config = ObjectKey("ConfigMap", namespace, "pt-lab")
    before = kube_user.children(namespace)
    kube_user.apply(fleet("lab", namespace, "n[1-4]"))
    kube_user.until(lambda: "n[1-4]" in (kube_user.get(config) or {})["data"]["documents.yaml"])
    kube_user.until(lambda: (kube_user.get(one) or {})["status"]["observedGeneration"] == 2)
    after = kube_user.children(namespace)
    changed = {name for name in before if _authored(before[name]) != _authored(after[name])}
    assert changed == {config}


def _authored(child: dict[str, object]) -> object:
    """Return the fields of a child that the operator sets, without those of other controllers."""
    return [child.get(key) for key in ("spec", "data")]


@pytest.mark.parametrize(
    ("child", "change"),
    [
        (("Service", "pt-lab"), {"spec": {"selector": {"app.kubernetes.io/name": "mine"}}}),
        (("Deployment", "pt-lab-0"), {"spec": {"replicas": 3}}),
        (("ConfigMap", "pt-lab"), {"data": {"documents.yaml": "nothing"}}),
        (("ConfigMap", "pt-lab"), {"data": None}),
        (("ServiceAccount", "pt-lab"), {"automountServiceAccountToken": True}),
        (("ServiceAccount", "pt-lab"), {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}),
    ],
    ids=lambda message: str(message)[:60],
)  # fmt: skip
def test_the_operator_repairs_drift_at_once(
    kube_user: KubeUser, namespace: str, child: tuple[str, str], change: dict[str, object]
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")
    name = ObjectKey(child[0], namespace, child[1])
    before = kube_user.get(name)
    assert before
    kube_user.merge(name, change)

    def repaired() -> bool:
        after = kube_user.get(name)
        assert after
        labels = [found["metadata"]["labels"] for found in (before, after)]
        owners = [found["metadata"].get("ownerReferences") for found in (before, after)]
        bodies = [
            {k: v for k, v in found.items() if k not in ("metadata", "status")}
            for found in (before, after)
        ]
        return labels[0] == labels[1] and owners[0] == owners[1] and bodies[0] == bodies[1]

    kube_user.until(repaired, f"{name} repaired", lambda: kube_user.get(name))


@pytest.mark.parametrize(
    ("child", "path", "change"),
    [
        (("Service", "pt-lab"), ("ports", 0, "port"), 9999),
        (("Deployment", "pt-lab-0"),
         ("template", "spec", "containers", 0, "ports", 0, "containerPort"), 9999),
    ],
    ids=["Service", "Deployment"],
)  # fmt: skip
def test_the_operator_restores_a_port_that_another_user_renumbers(
    kube_user: KubeUser,
    namespace: str,
    child: tuple[str, str],
    path: tuple[str | int, ...],
    change: int,
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")
    name = ObjectKey(child[0], namespace, child[1])
    before = _spec(kube_user, name)
    spec: Any = copy.deepcopy(before)
    *way, last = path
    reduce(getitem, way, spec)[last] = change
    kube_user.merge(name, {"spec": spec})
    kube_user.until(lambda: _spec(kube_user, name) == before, f"{name} repaired")


def _spec(kube_user: KubeUser, name: ObjectKey) -> Any:
    return (kube_user.get(name) or {}).get("spec")


def test_the_operator_recreates_a_child_that_another_user_deletes(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")
    for child in (
        ObjectKey("Deployment", namespace, "pt-lab-0"),
        ObjectKey("ConfigMap", namespace, "pt-lab"),
    ):
        before = kube_user.get(child)
        assert before
        kube_user.delete(child)
        kube_user.until(partial(_is_recreated, kube_user, child, before))


def _is_recreated(kube_user: KubeUser, child: ObjectKey, before: Manifest) -> bool:
    now = kube_user.get(child)
    return now is not None and now["metadata"]["uid"] != before["metadata"]["uid"]


def test_the_operator_prunes_children_that_are_no_longer_planned(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace, bmc={"shards": 3})))
    until_made(kube_user, namespace, "Deployment pt-lab-2", "PodDisruptionBudget pt-lab")
    kube_user.until_reason(one, "Accepted", "Accepted")
    off = {"dashboards": {"enabled": False}}
    kube_user.apply(fleet("lab", namespace, monitoring=off))
    kube_user.until(
        lambda: (
            names(kube_user, namespace)
            == {
                "ServiceAccount pt-lab",
                "ConfigMap pt-lab",
                "Service pt-lab",
                "NetworkPolicy pt-lab",
                "Deployment pt-lab-0",
            }
        ),
        "pruned",
        lambda: names(kube_user, namespace),
    )


def test_the_operator_removes_a_field_that_is_no_longer_set(
    kube_user: KubeUser, namespace: str
) -> None:
    kube_user.apply(fleet("lab", namespace, pod={"nodeSelector": {"rack": "r1"}}))
    child = ObjectKey("Deployment", namespace, "pt-lab-0")
    kube_user.until(lambda: kube_user.get(child))
    kube_user.apply(fleet("lab", namespace))
    kube_user.until(lambda: "rack" not in _pod_spec(kube_user.get(child))["nodeSelector"])


def _pod_spec(workload: Manifest | None) -> Manifest:
    spec: Manifest = (workload or {})["spec"]["template"]["spec"]
    return spec


def test_deleting_a_document_leaves_no_children(kube_user: KubeUser, namespace: str) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")
    kube_user.delete(one)
    kube_user.until(
        lambda: not kube_user.children(namespace),
        "nothing is left",
        lambda: names(kube_user, namespace),
    )


def test_the_operator_leaves_children_of_a_paused_document_unchanged(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")
    kube_user.apply(fleet("lab", namespace, paused=True))
    kube_user.until_reason(one, "Accepted", "Paused")
    service = ObjectKey("Service", namespace, "pt-lab")
    kube_user.delete(service)
    kube_user.apply(fleet("lab", namespace, "n[1-9]", paused=True))
    kube_user.until(lambda: (kube_user.get(one) or {})["status"]["observedGeneration"] == 3)
    assert kube_user.get(service) is None
    config = kube_user.get(ObjectKey("ConfigMap", namespace, "pt-lab"))
    assert config
    assert "n[1-9]" not in config["data"]["documents.yaml"]
    kube_user.apply(fleet("lab", namespace, "n[1-9]"))
    kube_user.until_reason(one, "Accepted", "Accepted")
    kube_user.until(lambda: kube_user.get(service))


def test_the_operator_names_a_missing_binding_and_notices_its_creation(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace, schedulerRef={"name": "prod"})))
    condition = kube_user.until_reason(one, "Accepted", "BindingMissing")
    assert "SchedulerBinding prod" in condition["message"]
    until_made(kube_user, namespace, "Deployment pt-lab-0")
    kube_user.apply(binding("prod", namespace))
    kube_user.until_reason(one, "Accepted", "Accepted")
    until_made(kube_user, namespace, "Deployment sb-prod-0")
    config = ObjectKey("ConfigMap", namespace, "pt-lab")
    kube_user.until(lambda: "sb-prod" in (kube_user.get(config) or {})["data"]["documents.yaml"])
    kube_user.delete(ObjectKey("SchedulerBinding", namespace, "prod"))
    kube_user.until_reason(one, "Accepted", "BindingMissing")


def test_the_operator_leaves_a_foreign_object_with_a_childs_name_alone(
    kube_user: KubeUser, namespace: str
) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "pt-lab", "namespace": namespace},
        "data": {"mine": "yes"},
    }
    before = kube_user.create(theirs)
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    condition = kube_user.until_reason(one, "Available", "NameConflict")
    assert "ConfigMap pt-lab already exists and has another owner" in condition["message"]
    until_made(kube_user, namespace, "Deployment pt-lab-0", "Service pt-lab")
    config = ObjectKey("ConfigMap", namespace, "pt-lab")
    assert (kube_user.get(config) or {})["metadata"] == before["metadata"]
    kube_user.delete(config)
    kube_user.until(lambda: "ConfigMap pt-lab" in names(kube_user, namespace))


def test_the_operator_leaves_an_object_with_its_labels_but_no_owner_alone(
    kube_user: KubeUser, namespace: str
) -> None:
    labels = {"app.kubernetes.io/managed-by": "rackwatt-operator"}
    theirs = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "pt-lab", "namespace": namespace, "labels": labels},
    }
    before = kube_user.create(theirs)
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Available", "NameConflict")
    account = ObjectKey("ServiceAccount", namespace, "pt-lab")
    assert (kube_user.get(account) or {})["metadata"] == before["metadata"]
    kube_user.delete(account)
    kube_user.until(
        lambda: "ownerReferences" in (kube_user.get(account) or {"metadata": {}})["metadata"]
    )


def test_the_operator_leaves_a_child_with_another_owner_alone(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")
    policy = ObjectKey("NetworkPolicy", namespace, "pt-lab")
    kube_user.merge(policy, {"metadata": {"ownerReferences": None}})
    kube_user.until_reason(one, "Available", "NameConflict")
    kube_user.delete(policy)
    kube_user.until(
        lambda: "ownerReferences" in (kube_user.get(policy) or {"metadata": {}})["metadata"]
    )


@pytest.mark.parametrize("name", ["a" * 253, "a.b-c." + "9" * 200])
def test_the_operator_creates_children_for_a_name_of_any_length(
    kube_user: KubeUser, namespace: str, name: str
) -> None:
    made = kube_user.apply(fleet(name, namespace))
    kube_user.until_reason(object_key(made), "Available", "RolloutInProgress")
    assert ObjectKey("Deployment", namespace, f"{base(made)}-0") in kube_user.children(namespace)


def test_the_operator_reconciles_a_document_of_five_thousand_hosts(
    kube_user: KubeUser, namespace: str
) -> None:
    made = kube_user.apply(fleet("big", namespace, "n[0001-5000]"))
    kube_user.until_reason(object_key(made), "Available", "RolloutInProgress")


def test_the_operator_reconciles_five_thousand_separate_host_entries(
    kube_user: KubeUser, namespace: str
) -> None:
    hosts = [
        {"names": f"node{i:05d}", "type": "compute", "rack": f"r{i // 40}"} for i in range(5000)
    ]
    kube_user.create(fleet("big", namespace, bmc={"hosts": hosts}))
    config = ObjectKey("ConfigMap", namespace, "pt-big")
    found = kube_user.until(lambda: kube_user.get(config))
    assert "node04999" in found["data"]["documents.yaml"]


def test_the_operator_reports_a_node_selector_that_matches_no_node(
    kube_user: KubeUser, namespace: str
) -> None:
    made = kube_user.apply(nodes("inside", namespace, pod={"nodeSelector": {"no": "such"}}))
    condition = kube_user.until_reason(object_key(made), "Available", "NoNodes")
    assert "spec.pod.nodeSelector" in condition["message"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"affinity": {"nodeAffinity": {"rack": "r1"}}}, "rack: field not declared in schema"),
        (
            {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}},
            "than or equal to cpu limit",
        ),
    ],
    ids=["affinity", "resources"],
)
def test_the_operator_reports_rejected_pods_with_the_message_of_the_api_server(
    kube_user: KubeUser, namespace: str, spec: dict[str, object], message: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", namespace, pod=spec)))
    condition = kube_user.until_reason(one, "Available", "ApplyRejected")
    assert message in condition["message"]
    assert "Deployment pt-lab-0: " in condition["message"]
    kube_user.apply(fleet("lab", namespace))
    kube_user.until_reason(one, "Available", "RolloutInProgress")


def test_the_operator_creates_nothing_in_a_namespace_that_is_being_deleted(
    kube_user: KubeUser, operator: Operating, cluster: Cluster
) -> None:
    name = "rackwatt-test-leaving"
    kube_user.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for number in range(5):
        kube_user.apply(fleet(f"lab{number}", name))
    kube_user.until(lambda: len(kube_user.children(name)) >= 30)
    kube_user.delete(ObjectKey("Namespace", "", name))
    kube_user.until(lambda: kube_user.get(ObjectKey("Namespace", "", name)) is None)
    lines = [line for line in operator.log.read_text().splitlines() if name in line]
    assert not [line for line in lines if "level=warn" in line or "level=error" in line]
