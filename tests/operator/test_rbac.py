"""The RBAC table, held to what an operator requests of a real API server: no more, and no less."""

import secrets
from collections.abc import Iterator

import pytest

from rackwatt_operator.kube.resources import (
    BY_NAME,
    CHILDREN,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    ObjectKey,
    Resource,
)
from rackwatt_operator.rbac import RULES, Rule
from tests.cluster import documents, monitoring
from tests.cluster.clients import Api, Manifest
from tests.cluster.controlplane import ControlPlane
from tests.operator.kube_user import OWN, KubeUser, binding, document, fleet, nodes, object_key
from tests.operator.operator_process import Operating, operating
from tests.operator.service_account import account, allow_granting, grant, revoke

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
def plane_user(control_plane: ControlPlane) -> Iterator[KubeUser]:
    """Return a user with all rights, on the test's own control plane."""
    documents.install(control_plane)
    with Api(control_plane) as api, monitoring.installed(control_plane):
        yield KubeUser(api)


def child(kind: Resource, name: str, namespace: str) -> Manifest:
    spec = {"spec": WORKLOAD} if kind.group == "apps" else SPECS.get(kind.kind, {})
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata} | spec


def owned(manifest: Manifest, owner: Manifest) -> Manifest:
    """Return a child as an earlier version of the operator left it, which named it differently."""
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


def cause_name_conflicts(kube_user: KubeUser, namespace: str) -> None:
    """Occupy the name of each kind of child, and release it again."""
    fleets = {"shards": 2}
    foreign_objects = [
        child(kind, "pt-met-0" if kind.kind == "Deployment" else "pt-met", namespace)
        for kind in CHILDREN
        if kind.kind != "DaemonSet"
    ]
    foreign_objects.append(child(BY_NAME["DaemonSet"], "pt-inside", namespace))
    for foreign in foreign_objects:
        kube_user.create(foreign)
    for resource in (fleet("met", namespace, bmc=fleets), nodes("inside", namespace)):
        kube_user.until_reason(object_key(kube_user.apply(resource)), "Available", "NameConflict")
    for foreign in foreign_objects:
        kube_user.delete(object_key(foreign))
    wanted = {object_key(foreign) for foreign in foreign_objects}
    kube_user.until(lambda: wanted <= kube_user.children(namespace).keys())


def leave_orphans(kube_user: KubeUser, namespace: str) -> None:
    """Create a child of each kind as an earlier operator left it, until it is pruned."""
    tidy = kube_user.apply(fleet("tidy", namespace))
    kube_user.until_reason(object_key(tidy), "Monitored", "Monitored")
    orphans = [owned(child(kind, "pt-tidy-old", namespace), tidy) for kind in CHILDREN]
    for orphan in orphans:
        kube_user.create(orphan)
    kube_user.until(lambda: not [orphan for orphan in orphans if kube_user.get(object_key(orphan))])


def keep_records(kube_user: KubeUser, namespace: str) -> None:
    """Occupy the name of the volume of accounting, and release it."""
    claim = ObjectKey("PersistentVolumeClaim", namespace, "sb-kept-accounting")
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    metadata = {"name": claim.name, "namespace": namespace}
    foreign = {"apiVersion": "v1", "kind": claim.kind, "metadata": metadata, "spec": size}
    kube_user.create(foreign)
    spec: Manifest = {"cluster": "kept", "slurm": {"cli": {}}, "accounting": {"enabled": True}}
    one = object_key(kube_user.apply(document("SchedulerBinding", "kept", namespace, spec)))
    kube_user.until_reason(one, "AccountingAvailable", "NameConflict")
    kube_user.delete(claim)
    kube_user.until_reason(one, "AccountingAvailable", "RolloutInProgress")


def violate_pod_security(kube_user: KubeUser, namespace: str) -> None:
    """Apply a DaemonSet whose pods Pod Security rejects, on a node that exists only as an object."""
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    kube_user.merge(ObjectKey("Namespace", "", namespace), {"metadata": {"labels": label}})
    named = {"name": "rackwatt-test-node", "labels": {"kubernetes.io/os": "linux"}}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": named}
    kube_user.create(node)
    try:
        one = object_key(kube_user.apply(nodes("refused", namespace)))
        condition = kube_user.until_reason(one, "Available", "PodSecurity")
        assert 'violates PodSecurity "restricted:latest"' in condition["message"]
        assert "hostPath" in condition["message"]
    finally:
        kube_user.delete(object_key(node))


def select_by_namespace_labels(kube_user: KubeUser, namespace: str) -> None:
    """Create a Prometheus that selects namespaces by labels, and a binding."""
    prometheus = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "Prometheus",
        "metadata": {"name": "main", "namespace": namespace},
        "spec": {
            "serviceMonitorSelector": {},
            "serviceMonitorNamespaceSelector": {"matchLabels": {"no": "such"}},
        },
    }
    kube_user.apply(prometheus)
    one = object_key(kube_user.apply(binding("prod", namespace)))
    kube_user.until_reason(one, "Scraped", "NotSelected")


def grant_nodes_and_pods(kube_user: KubeUser, namespace: str, name: str) -> None:
    """Have a collector that reads nodes and pods named in the ClusterRoleBinding."""
    spec = {"cluster": "own", "kubernetes": {}}
    kube_user.apply(document("SchedulerBinding", "own", namespace, spec))
    path = CLUSTER_ROLE_BINDING.path(name=name)
    kube_user.until(lambda: kube_user.client.get(path).json().get("subjects"))


def test_rbac_rules_are_all_used_and_sufficient(
    control_plane: ControlPlane, plane_user: KubeUser, own_namespace: str
) -> None:
    operator = account(control_plane)
    reading = f"{operator.role}-reading"
    allow_granting(control_plane, operator, reading)
    control_plane.audit.mark()
    flags = (
        f"--lease.namespace={operator.namespace}",
        f"--kubernetes-scheduler.namespace={own_namespace}",
        f"--kubernetes-scheduler.role-binding={reading}",
    )
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig):
        leave_orphans(plane_user, own_namespace)
        select_by_namespace_labels(plane_user, own_namespace)
        cause_name_conflicts(plane_user, own_namespace)
        keep_records(plane_user, own_namespace)
        violate_pod_security(plane_user, own_namespace)
        grant_nodes_and_pods(plane_user, own_namespace, reading)
    calls = control_plane.audit.calls(user=operator.user)
    refused = {
        (call.verb, call.resource, call.uri)
        for call in calls
        if call.code == 403 and call.namespace == own_namespace
    }
    assert not refused
    used = {(call.verb, call.group, call.resource) for call in calls}
    used |= {("create", *one[1:]) for one in used if one[0] == "patch"}  # apply needs both
    # No request has the verb: without `bind`, the API server refuses to name a subject.
    used |= {("bind", CLUSTER_ROLE.group, CLUSTER_ROLE.plural)}
    unused = {right for rule in RULES for right in _rights(rule)} - used
    assert not unused


def _rights(rule: Rule) -> Iterator[tuple[str, str, str]]:
    for group in rule.api_groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                yield verb, group, resource


@pytest.mark.parametrize("verb", ["patch", "create", "watch"])
def test_the_operator_reports_a_forbidden_kind_and_applies_the_others(
    control_plane: ControlPlane, plane_user: KubeUser, own_namespace: str, verb: str
) -> None:
    operator = account(control_plane, but=[("networkpolicies", verb)])
    flags = (f"--lease.namespace={operator.namespace}",)
    policy = ObjectKey("NetworkPolicy", own_namespace, "pt-lab")
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig) as running:
        one = object_key(plane_user.apply(fleet("lab", own_namespace)))
        plane_user.until(lambda: plane_user.get(ObjectKey("Deployment", own_namespace, "pt-lab-0")))
        if verb == "watch":
            assert "may not watch networkpolicies.networking.k8s.io" in running.log.read_text()
            plane_user.until(lambda: plane_user.get(policy))
            grant(control_plane, operator)
            plane_user.until(lambda: is_watched(running, plane_user, policy))
            return
        condition = plane_user.until_reason(one, "Available", "Forbidden")
        assert f"may not {verb} networkpolicies.networking.k8s.io" in condition["message"]
        grant(control_plane, operator)
        plane_user.until(lambda: plane_user.get(policy))
        plane_user.until_reason(one, "Available", "RolloutInProgress")


def is_watched(running: Operating, kube_user: KubeUser, child: ObjectKey) -> bool:
    """Change a child, and return whether the operator has seen an event of its kind."""
    kube_user.merge(child, {"metadata": {"annotations": {"touched": secrets.token_hex(4)}}})
    return running.metric("rackwatt_operator_watch_events_total", kind=child.kind) > 0


def test_the_operator_loses_one_kind_when_its_right_is_revoked_and_recovers_when_granted(
    control_plane: ControlPlane, plane_user: KubeUser, own_namespace: str
) -> None:
    operator = account(control_plane)
    flags = (f"--lease.namespace={operator.namespace}", "--resync.interval=1s")
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig) as running:
        revoke(control_plane, operator, [("networkpolicies", "list")])
        running.until_logged("may not list networkpolicies.networking.k8s.io")
        listed_s = running.metric(LAST_LIST)
        plane_user.until(lambda: running.metric(LAST_LIST) > listed_s)
        plane_user.apply(fleet("lab", own_namespace))
        policy = ObjectKey("NetworkPolicy", own_namespace, "pt-lab")
        plane_user.until(lambda: plane_user.get(policy))
        grant(control_plane, operator)
        plane_user.until(lambda: is_watched(running, plane_user, policy))


def test_the_operator_reports_that_it_may_not_list_its_own_resources(
    control_plane: ControlPlane, plane_user: KubeUser
) -> None:
    operator = account(control_plane, but=[("powertargets", "list")])
    flags = (f"--lease.namespace={operator.namespace}",)
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig, ready=False) as running:
        running.until_logged("may not list powertargets.rackwatt.dev in all namespaces")
        assert "may not list powertargets" in running.get("/readyz")
        assert running.get("/healthz") == "ok\n"
        grant(control_plane, operator)
        running.until_ready()
