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


def names(hands: KubeUser, namespace: str) -> set[str]:
    """Name what was made, but for Prometheus Operator, which a cluster may have or not."""
    children = (one for one in hands.children(namespace) if BY_NAME[one.kind].group != GROUP)
    return {f"{one.kind} {one.name}" for one in children}


def until_made(hands: KubeUser, namespace: str, *some: str) -> None:
    hands.until(
        lambda: set(some) <= names(hands, namespace),
        f"{some} in {namespace}",
        lambda: names(hands, namespace),
    )


def test_a_document_gets_its_children_and_a_status(hands: KubeUser, namespace: str) -> None:
    made = hands.apply(fleet("lab", namespace))
    one = object_key(made)
    condition = hands.until_reason(one, "Available", "RolloutInProgress")
    assert names(hands, namespace) == {
        "ServiceAccount pt-lab",
        "ConfigMap pt-lab",
        "ConfigMap pt-lab-dashboard",
        "Service pt-lab",
        "NetworkPolicy pt-lab",
        "Deployment pt-lab-0",
    }
    for child in hands.children(namespace).values():
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (made["metadata"]["uid"], True)
    assert condition["observedGeneration"] == 1
    assert hands.conditions(one)["Accepted"]["status"] == "True"
    assert hands.conditions(one)["Ready"]["status"] == "False"


def test_a_user_s_object_is_not_touched_but_for_its_status(hands: KubeUser, namespace: str) -> None:
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Accepted", "Accepted")
    found = hands.get(one)
    assert found
    assert "finalizers" not in found["metadata"]
    assert "annotations" not in found["metadata"]
    fields = {
        (entry["manager"], entry.get("subresource", ""))
        for entry in found["metadata"]["managedFields"]
    }
    assert fields == {("tests", ""), ("rackwatt-operator", "status")}


def test_an_edited_document_changes_its_config_map_and_rolls_nothing(
    hands: KubeUser, namespace: str
) -> None:
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Accepted", "Accepted")
    config = ObjectKey("ConfigMap", namespace, "pt-lab")
    before = hands.children(namespace)
    hands.apply(fleet("lab", namespace, "n[1-4]"))
    hands.until(lambda: "n[1-4]" in (hands.get(config) or {})["data"]["documents.yaml"])
    hands.until(lambda: (hands.get(one) or {})["status"]["observedGeneration"] == 2)
    after = hands.children(namespace)
    changed = {name for name in before if _authored(before[name]) != _authored(after[name])}
    assert changed == {config}


def _authored(child: dict[str, object]) -> object:
    """Give what of a child we say: the status and its echoes are others' doing."""
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
def test_drift_is_repaired_at_once(
    hands: KubeUser, namespace: str, child: tuple[str, str], change: dict[str, object]
) -> None:
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Accepted", "Accepted")
    name = ObjectKey(child[0], namespace, child[1])
    before = hands.get(name)
    assert before
    hands.merge(name, change)

    def repaired() -> bool:
        after = hands.get(name)
        assert after
        labels = [found["metadata"]["labels"] for found in (before, after)]
        owners = [found["metadata"].get("ownerReferences") for found in (before, after)]
        bodies = [
            {k: v for k, v in found.items() if k not in ("metadata", "status")}
            for found in (before, after)
        ]
        return labels[0] == labels[1] and owners[0] == owners[1] and bodies[0] == bodies[1]

    hands.until(repaired, f"{name} repaired", lambda: hands.get(name))


@pytest.mark.parametrize(
    ("child", "path", "change"),
    [
        (("Service", "pt-lab"), ("ports", 0, "port"), 9999),
        (("Deployment", "pt-lab-0"),
         ("template", "spec", "containers", 0, "ports", 0, "containerPort"), 9999),
    ],
    ids=["Service", "Deployment"],
)  # fmt: skip
def test_a_port_that_somebody_renumbers_has_its_number_again(
    hands: KubeUser,
    namespace: str,
    child: tuple[str, str],
    path: tuple[str | int, ...],
    change: int,
) -> None:
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Accepted", "Accepted")
    name = ObjectKey(child[0], namespace, child[1])
    before = _spec(hands, name)
    spec: Any = copy.deepcopy(before)
    *way, last = path
    reduce(getitem, way, spec)[last] = change
    hands.merge(name, {"spec": spec})
    hands.until(lambda: _spec(hands, name) == before, f"{name} repaired")


def _spec(hands: KubeUser, name: ObjectKey) -> Any:
    return (hands.get(name) or {}).get("spec")


def test_a_child_that_somebody_deletes_is_made_again(hands: KubeUser, namespace: str) -> None:
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Accepted", "Accepted")
    for child in (
        ObjectKey("Deployment", namespace, "pt-lab-0"),
        ObjectKey("ConfigMap", namespace, "pt-lab"),
    ):
        before = hands.get(child)
        assert before
        hands.delete(child)
        hands.until(partial(_made_anew, hands, child, before))


def _made_anew(hands: KubeUser, child: ObjectKey, before: Manifest) -> bool:
    now = hands.get(child)
    return now is not None and now["metadata"]["uid"] != before["metadata"]["uid"]


def test_what_is_no_longer_planned_is_pruned(hands: KubeUser, namespace: str) -> None:
    one = object_key(hands.apply(fleet("lab", namespace, bmc={"shards": 3})))
    until_made(hands, namespace, "Deployment pt-lab-2", "PodDisruptionBudget pt-lab")
    hands.until_reason(one, "Accepted", "Accepted")
    off = {"dashboards": {"enabled": False}}
    hands.apply(fleet("lab", namespace, monitoring=off))
    hands.until(
        lambda: (
            names(hands, namespace)
            == {
                "ServiceAccount pt-lab",
                "ConfigMap pt-lab",
                "Service pt-lab",
                "NetworkPolicy pt-lab",
                "Deployment pt-lab-0",
            }
        ),
        "pruned",
        lambda: names(hands, namespace),
    )


def test_a_field_that_is_no_longer_said_goes(hands: KubeUser, namespace: str) -> None:
    hands.apply(fleet("lab", namespace, pod={"nodeSelector": {"rack": "r1"}}))
    child = ObjectKey("Deployment", namespace, "pt-lab-0")
    hands.until(lambda: hands.get(child))
    hands.apply(fleet("lab", namespace))
    hands.until(lambda: "rack" not in _pod_spec(hands.get(child))["nodeSelector"])


def _pod_spec(workload: Manifest | None) -> Manifest:
    spec: Manifest = (workload or {})["spec"]["template"]["spec"]
    return spec


def test_deleting_a_document_leaves_nothing(hands: KubeUser, namespace: str) -> None:
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Accepted", "Accepted")
    hands.delete(one)
    hands.until(
        lambda: not hands.children(namespace), "nothing is left", lambda: names(hands, namespace)
    )


def test_a_paused_document_holds_still(hands: KubeUser, namespace: str) -> None:
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Accepted", "Accepted")
    hands.apply(fleet("lab", namespace, paused=True))
    hands.until_reason(one, "Accepted", "Paused")
    service = ObjectKey("Service", namespace, "pt-lab")
    hands.delete(service)
    hands.apply(fleet("lab", namespace, "n[1-9]", paused=True))
    hands.until(lambda: (hands.get(one) or {})["status"]["observedGeneration"] == 3)
    assert hands.get(service) is None
    config = hands.get(ObjectKey("ConfigMap", namespace, "pt-lab"))
    assert config
    assert "n[1-9]" not in config["data"]["documents.yaml"]
    hands.apply(fleet("lab", namespace, "n[1-9]"))
    hands.until_reason(one, "Accepted", "Accepted")
    hands.until(lambda: hands.get(service))


def test_a_binding_that_is_missing_is_named_and_its_coming_noticed(
    hands: KubeUser, namespace: str
) -> None:
    one = object_key(hands.apply(fleet("lab", namespace, schedulerRef={"name": "prod"})))
    condition = hands.until_reason(one, "Accepted", "BindingMissing")
    assert "SchedulerBinding prod" in condition["message"]
    until_made(hands, namespace, "Deployment pt-lab-0")
    hands.apply(binding("prod", namespace))
    hands.until_reason(one, "Accepted", "Accepted")
    until_made(hands, namespace, "Deployment sb-prod-0")
    config = ObjectKey("ConfigMap", namespace, "pt-lab")
    hands.until(lambda: "sb-prod" in (hands.get(config) or {})["data"]["documents.yaml"])
    hands.delete(ObjectKey("SchedulerBinding", namespace, "prod"))
    hands.until_reason(one, "Accepted", "BindingMissing")


def test_what_bears_our_name_and_is_not_ours_is_left_alone(hands: KubeUser, namespace: str) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "pt-lab", "namespace": namespace},
        "data": {"mine": "yes"},
    }
    before = hands.create(theirs)
    one = object_key(hands.apply(fleet("lab", namespace)))
    condition = hands.until_reason(one, "Available", "NameConflict")
    assert "ConfigMap pt-lab already exists and has another owner" in condition["message"]
    until_made(hands, namespace, "Deployment pt-lab-0", "Service pt-lab")
    config = ObjectKey("ConfigMap", namespace, "pt-lab")
    assert (hands.get(config) or {})["metadata"] == before["metadata"]
    hands.delete(config)
    hands.until(lambda: "ConfigMap pt-lab" in names(hands, namespace))


def test_what_bears_our_labels_too_is_not_ours_without_an_owner(
    hands: KubeUser, namespace: str
) -> None:
    labels = {"app.kubernetes.io/managed-by": "rackwatt-operator"}
    theirs = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "pt-lab", "namespace": namespace, "labels": labels},
    }
    before = hands.create(theirs)
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Available", "NameConflict")
    account = ObjectKey("ServiceAccount", namespace, "pt-lab")
    assert (hands.get(account) or {})["metadata"] == before["metadata"]
    hands.delete(account)
    hands.until(lambda: "ownerReferences" in (hands.get(account) or {"metadata": {}})["metadata"])


def test_a_child_that_was_taken_away_from_us_is_theirs(hands: KubeUser, namespace: str) -> None:
    one = object_key(hands.apply(fleet("lab", namespace)))
    hands.until_reason(one, "Accepted", "Accepted")
    policy = ObjectKey("NetworkPolicy", namespace, "pt-lab")
    hands.merge(policy, {"metadata": {"ownerReferences": None}})
    hands.until_reason(one, "Available", "NameConflict")
    hands.delete(policy)
    hands.until(lambda: "ownerReferences" in (hands.get(policy) or {"metadata": {}})["metadata"])


@pytest.mark.parametrize("name", ["a" * 253, "a.b-c." + "9" * 200])
def test_a_name_of_any_length_has_children(hands: KubeUser, namespace: str, name: str) -> None:
    made = hands.apply(fleet(name, namespace))
    hands.until_reason(object_key(made), "Available", "RolloutInProgress")
    assert ObjectKey("Deployment", namespace, f"{base(made)}-0") in hands.children(namespace)


def test_five_thousand_hosts_are_one_document(hands: KubeUser, namespace: str) -> None:
    made = hands.apply(fleet("big", namespace, "n[0001-5000]"))
    hands.until_reason(object_key(made), "Available", "RolloutInProgress")


def test_five_thousand_hosts_one_by_one_are_taken_as_they_are(
    hands: KubeUser, namespace: str
) -> None:
    hosts = [
        {"names": f"node{i:05d}", "type": "compute", "rack": f"r{i // 40}"} for i in range(5000)
    ]
    hands.create(fleet("big", namespace, bmc={"hosts": hosts}))
    config = ObjectKey("ConfigMap", namespace, "pt-big")
    found = hands.until(lambda: hands.get(config))
    assert "node04999" in found["data"]["documents.yaml"]


def test_a_selector_that_matches_no_node_is_told(hands: KubeUser, namespace: str) -> None:
    made = hands.apply(nodes("inside", namespace, pod={"nodeSelector": {"no": "such"}}))
    condition = hands.until_reason(object_key(made), "Available", "NoNodes")
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
def test_pods_that_the_api_server_does_not_take_are_told_in_its_words(
    hands: KubeUser, namespace: str, spec: dict[str, object], message: str
) -> None:
    one = object_key(hands.apply(fleet("lab", namespace, pod=spec)))
    condition = hands.until_reason(one, "Available", "ApplyRejected")
    assert message in condition["message"]
    assert "Deployment pt-lab-0: " in condition["message"]
    hands.apply(fleet("lab", namespace))
    hands.until_reason(one, "Available", "RolloutInProgress")


def test_a_namespace_that_is_deleted_is_left_in_peace(
    hands: KubeUser, operator: Operating, cluster: Cluster
) -> None:
    name = "rackwatt-test-leaving"
    hands.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for number in range(5):
        hands.apply(fleet(f"lab{number}", name))
    hands.until(lambda: len(hands.children(name)) >= 30)
    hands.delete(ObjectKey("Namespace", "", name))
    hands.until(lambda: hands.get(ObjectKey("Namespace", "", name)) is None)
    lines = [line for line in operator.log.read_text().splitlines() if name in line]
    assert not [line for line in lines if "level=warn" in line or "level=error" in line]
