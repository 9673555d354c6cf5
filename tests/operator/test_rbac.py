"""The table of rights, held to what an operator asks of a real API server: no more, and no less."""

import secrets
from collections.abc import Iterator

import pytest

from rackwatt_operator.kube.resources import BY_NAME, CHILDREN, ObjectKey, Resource
from rackwatt_operator.rbac import RULES, Rule
from tests.cluster import documents, monitoring
from tests.cluster.clients import Api, Manifest
from tests.cluster.controlplane import ControlPlane
from tests.operator.kube_user import OWN, KubeUser, binding, fleet, nodes, object_key
from tests.operator.operator_process import Operating, operating
from tests.operator.service_account import account, grant, revoke

LAST_LIST = "rackwatt_operator_last_list_timestamp_seconds"
SPECS: dict[str, Manifest] = {
    "Service": {"spec": {"ports": [{"port": 1}]}},
    "NetworkPolicy": {"spec": {"podSelector": {}}},
    "PodDisruptionBudget": {"spec": {"selector": {}}},
    "ServiceMonitor": {"spec": {"selector": {}, "endpoints": []}},
    "PrometheusRule": {"spec": {"groups": []}},
}
WORKLOAD = {
    "selector": {"matchLabels": {"a": "b"}},
    "template": {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "a", "image": "a"}], "nodeSelector": {"no": "such"}},
    },
}


@pytest.fixture(scope="module")
def ours(control_plane: ControlPlane) -> Iterator[KubeUser]:
    """Return a user with all rights, on our own control plane."""
    documents.install(control_plane)
    with Api(control_plane) as api, monitoring.installed(control_plane):
        yield KubeUser(api)


def child(kind: Resource, name: str, namespace: str) -> Manifest:
    spec = {"spec": WORKLOAD} if kind.group == "apps" else SPECS.get(kind.kind, {})
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata} | spec


def owned(manifest: Manifest, owner: Manifest) -> Manifest:
    """Make a child look as one of an earlier version of the operator, which called it otherwise."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    label, value = OWN.split("=")
    more = {"labels": {label: value}, "ownerReferences": [reference]}
    return manifest | {"metadata": manifest["metadata"] | more}


def meet_strangers(hands: KubeUser, namespace: str) -> None:
    """Have each kind of child find its name taken, and free again."""
    fleets = {"shards": 2}
    strangers = [
        child(kind, "pt-met-0" if kind.kind == "Deployment" else "pt-met", namespace)
        for kind in CHILDREN
        if kind.kind != "DaemonSet"
    ]
    strangers.append(child(BY_NAME["DaemonSet"], "pt-inside", namespace))
    for stranger in strangers:
        hands.create(stranger)
    for document in (fleet("met", namespace, bmc=fleets), nodes("inside", namespace)):
        hands.until_reason(object_key(hands.apply(document)), "Available", "NameConflict")
    for stranger in strangers:
        hands.delete(object_key(stranger))
    wanted = {object_key(stranger) for stranger in strangers}
    hands.until(lambda: wanted <= hands.children(namespace).keys())


def leave_strays(hands: KubeUser, namespace: str) -> None:
    """Have a child of each kind pruned that an earlier operator left."""
    document = hands.apply(fleet("tidy", namespace))
    hands.until_reason(object_key(document), "Monitored", "Monitored")
    strays = [owned(child(kind, "pt-tidy-old", namespace), document) for kind in CHILDREN]
    for stray in strays:
        hands.create(stray)
    hands.until(lambda: not [stray for stray in strays if hands.get(object_key(stray))])


def be_refused_by_pod_security(hands: KubeUser, namespace: str) -> None:
    """Have the pods of a DaemonSet refused on a node that is there in name alone."""
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    hands.merge(ObjectKey("Namespace", "", namespace), {"metadata": {"labels": label}})
    named = {"name": "rackwatt-test-node", "labels": {"kubernetes.io/os": "linux"}}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": named}
    hands.create(node)
    try:
        one = object_key(hands.apply(nodes("refused", namespace)))
        condition = hands.until_reason(one, "Available", "PodSecurity")
        assert 'violates PodSecurity "restricted:latest"' in condition["message"]
        assert "hostPath" in condition["message"]
    finally:
        hands.delete(object_key(node))


def be_looked_at(hands: KubeUser, namespace: str) -> None:
    """Have a Prometheus choose namespaces by their labels, and a binding watched."""
    prometheus = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "main", "namespace": namespace},
        "spec": {
            "serviceMonitorSelector": {},
            "serviceMonitorNamespaceSelector": {"matchLabels": {"no": "such"}},
        },
    }
    hands.apply(prometheus)
    one = object_key(hands.apply(binding("prod", namespace)))
    hands.until_reason(one, "Scraped", "NotSelected")


def test_every_right_is_used_and_none_is_missed(
    control_plane: ControlPlane, ours: KubeUser, own_namespace: str
) -> None:
    operator = account(control_plane)
    control_plane.audit.mark()
    flags = (f"--lease.namespace={operator.namespace}",)
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig):
        leave_strays(ours, own_namespace)
        be_looked_at(ours, own_namespace)
        meet_strangers(ours, own_namespace)
        be_refused_by_pod_security(ours, own_namespace)
    calls = control_plane.audit.calls(user=operator.user)
    refused = {
        (call.verb, call.resource, call.uri)
        for call in calls
        if call.code == 403 and call.namespace == own_namespace
    }
    assert not refused
    used = {(call.verb, call.group, call.resource) for call in calls}
    used |= {("create", *one[1:]) for one in used if one[0] == "patch"}  # apply needs both
    unused = {right for rule in RULES for right in _rights(rule)} - used
    assert not unused


def _rights(rule: Rule) -> Iterator[tuple[str, str, str]]:
    for group in rule.api_groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                yield verb, group, resource


@pytest.mark.parametrize("verb", ["patch", "create", "watch"])
def test_a_kind_that_is_forbidden_is_told_and_keeps_nobody_up(
    control_plane: ControlPlane, ours: KubeUser, own_namespace: str, verb: str
) -> None:
    operator = account(control_plane, but=[("networkpolicies", verb)])
    flags = (f"--lease.namespace={operator.namespace}",)
    policy = ObjectKey("NetworkPolicy", own_namespace, "pt-lab")
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig) as running:
        one = object_key(ours.apply(fleet("lab", own_namespace)))
        ours.until(lambda: ours.get(ObjectKey("Deployment", own_namespace, "pt-lab-0")))
        if verb == "watch":
            assert "may not watch networkpolicies.networking.k8s.io" in running.log.read_text()
            ours.until(lambda: ours.get(policy))
            grant(control_plane, operator)
            ours.until(lambda: is_watched(running, ours, policy))
            return
        condition = ours.until_reason(one, "Available", "Forbidden")
        assert f"may not {verb} networkpolicies.networking.k8s.io" in condition["message"]
        grant(control_plane, operator)
        ours.until(lambda: ours.get(policy))
        ours.until_reason(one, "Available", "RolloutInProgress")


def is_watched(running: Operating, hands: KubeUser, child: ObjectKey) -> bool:
    """Change a child, and return whether the operator has seen an event of its kind."""
    hands.merge(child, {"metadata": {"annotations": {"touched": secrets.token_hex(4)}}})
    return running.metric("rackwatt_operator_watch_events_total", kind=child.kind) > 0


def test_a_right_that_is_taken_away_takes_its_kind_alone_and_comes_back(
    control_plane: ControlPlane, ours: KubeUser, own_namespace: str
) -> None:
    operator = account(control_plane)
    flags = (f"--lease.namespace={operator.namespace}", "--resync.interval=1s")
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig) as running:
        revoke(control_plane, operator, [("networkpolicies", "list")])
        running.until_logged("may not list networkpolicies.networking.k8s.io")
        listed_s = running.metric(LAST_LIST)
        ours.until(lambda: running.metric(LAST_LIST) > listed_s)
        ours.apply(fleet("lab", own_namespace))
        policy = ObjectKey("NetworkPolicy", own_namespace, "pt-lab")
        ours.until(lambda: ours.get(policy))
        grant(control_plane, operator)
        ours.until(lambda: is_watched(running, ours, policy))


def test_who_may_not_even_look_says_so(control_plane: ControlPlane, ours: KubeUser) -> None:
    operator = account(control_plane, but=[("powertargets", "list")])
    flags = (f"--lease.namespace={operator.namespace}",)
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig, ready=False) as running:
        running.until_logged("may not list powertargets.rackwatt.dev in all namespaces")
        assert "may not list powertargets" in running.get("/readyz")
        assert running.get("/healthz") == "ok\n"
        grant(control_plane, operator)
        running.until_ready()
