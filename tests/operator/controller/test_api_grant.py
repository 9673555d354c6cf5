"""The right to read nodes and pods: granted to collectors of some namespaces, and nothing else."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rackwatt_exporter.protocols.http.tls import TlsParameters
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.kubernetes.credentials import ApiServer
from rackwatt_exporter.schedulers.kubernetes.scheduler import KubernetesScheduler
from rackwatt_operator.kube.resources import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, Resource
from tests.cluster.clients import Api, CommandError, Kubectl, Manifest
from tests.cluster.controlplane import ControlPlane
from tests.eventually import PATIENCE_S
from tests.operator.kube_user import KubeUser, binding, document, object_key
from tests.operator.operator_process import operating
from tests.operator.service_account import Account, account, allow_granting

KUBERNETES: Manifest = {}
ELSEWHERE: Manifest = {"url": "https://a.example", "tokenSecretRef": {"name": "a", "key": "b"}}


class Granting(NamedTuple):
    """A running operator that may grant, in a namespace of its own."""

    operator: Account
    namespace: str
    name: str


@pytest.fixture
def granting(
    control_plane: ControlPlane, plane_user: KubeUser, own_namespace: str
) -> Iterator[Granting]:
    operator, name = account(control_plane), f"reading-{secrets.token_hex(3)}"
    allow_granting(control_plane, operator, name)
    flags = (
        f"--lease.namespace={operator.namespace}",
        f"--kubernetes-scheduler.namespace={own_namespace}",
        f"--kubernetes-scheduler.role-binding={name}",
    )
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig):
        yield Granting(operator, own_namespace, name)


def read_by(kubernetes: Manifest, name: str, namespace: str) -> Manifest:
    """Return a binding of Kubernetes."""
    spec = {"cluster": "prod", "kubernetes": kubernetes}
    return document("SchedulerBinding", name, namespace, spec)


def granted(control_plane: ControlPlane, name: str) -> list[str]:
    """Return the subjects of the ClusterRoleBinding, as namespace/name."""
    with Api(control_plane) as api:
        subjects = api.get(CLUSTER_ROLE_BINDING.path(name=name)).get("subjects") or []
    assert {one["kind"] for one in subjects} <= {"ServiceAccount"}
    return [f"{one['namespace']}/{one['name']}" for one in subjects]


def test_a_binding_of_its_own_cluster_is_granted_until_it_is_deleted(
    control_plane: ControlPlane, plane_user: KubeUser, granting: Granting
) -> None:
    namespace = granting.namespace
    plane_user.apply(read_by(ELSEWHERE, "cloud", namespace))
    plane_user.apply(binding("pinned", namespace))
    own = [plane_user.apply(read_by(KUBERNETES, name, namespace)) for name in ("b", "a")]
    both = [f"{namespace}/sb-a", f"{namespace}/sb-b"]
    plane_user.until(lambda: granted(control_plane, granting.name) == both)
    plane_user.delete(object_key(own[0]))
    plane_user.until(lambda: granted(control_plane, granting.name) == both[:1])
    plane_user.delete(object_key(own[1]))
    plane_user.until(lambda: not granted(control_plane, granting.name))


async def test_a_collector_can_read_with_the_token_of_its_account_once_that_is_granted(
    control_plane: ControlPlane, plane_user: KubeUser, granting: Granting, tmp_path: Path
) -> None:
    plane_user.apply(read_by(KUBERNETES, "own", granting.namespace))
    plane_user.until(lambda: granted(control_plane, granting.name))
    kubectl = Kubectl(control_plane, granting.namespace)
    token = kubectl.run("create", "token", "sb-own").strip()
    tls = TlsParameters(authorities=control_plane.directory / "ca.crt")
    server = ApiServer(control_plane.url, lambda: token, lambda: tls)
    scheduler = KubernetesScheduler(server, PATIENCE_S)
    try:
        assert (await scheduler.read()).version.startswith("v")
    finally:
        await scheduler.close()
    can = ["auth", "can-i", "--list", f"--as=system:serviceaccount:{granting.namespace}:sb-own"]
    rights = [line.split()[0] for line in kubectl.run(*can).splitlines()[1:] if "[list" in line]
    assert sorted(rights) == ["nodes", "pods"]


async def test_a_namespace_that_is_not_named_is_granted_nothing(
    control_plane: ControlPlane, plane_user: KubeUser, granting: Granting
) -> None:
    kubectl = Kubectl(control_plane)
    other = f"rackwatt-test-{secrets.token_hex(4)}"
    kubectl.run("create", "namespace", other)
    plane_user.apply(read_by(KUBERNETES, "other", other))
    plane_user.apply(read_by(KUBERNETES, "own", granting.namespace))
    plane_user.until(lambda: granted(control_plane, granting.name))
    assert granted(control_plane, granting.name) == [f"{granting.namespace}/sb-own"]
    token = kubectl.run("create", "token", "sb-other", f"--namespace={other}").strip()
    tls = TlsParameters(authorities=control_plane.directory / "ca.crt")
    scheduler = KubernetesScheduler(
        ApiServer(control_plane.url, lambda: token, lambda: tls), PATIENCE_S
    )
    with pytest.raises(ReadError) as caught:
        await scheduler.read()
    await scheduler.close()
    assert caught.value.reason is Reason.PRIVILEGE_INSUFFICIENT
    assert f"--serviceaccount={other}:sb-other" in (caught.value.remedy or "")
    kubectl.run("delete", "namespace", other, "--wait=false")


def test_the_operator_can_grant_no_other_right(
    control_plane: ControlPlane, granting: Granting
) -> None:
    kubectl = Kubectl(control_plane, kubeconfig=granting.operator.kubeconfig)
    me = f"--serviceaccount={granting.operator.namespace}:{granting.operator.role}"
    for command in (
        ("create", "clusterrolebinding", "mine", "--clusterrole=cluster-admin", me),
        ("create", "clusterrolebinding", "mine", f"--clusterrole={granting.name}", me),
        ("delete", "clusterrolebinding", granting.name),
    ):
        with pytest.raises(CommandError, match="forbidden"):
            kubectl.run(*command)
    others: tuple[tuple[Resource, str, Manifest], ...] = (
        (CLUSTER_ROLE_BINDING, "cluster-admin", {"subjects": []}),
        (CLUSTER_ROLE, granting.name, {"rules": []}),
    )
    merge = {"Content-Type": "application/merge-patch+json"}
    with Api(control_plane, granting.operator.kubeconfig) as api:
        for kind, name, patch in others:
            answer = api.client.patch(kind.path(name=name), json=patch, headers=merge)
            assert answer.status_code == 403


@pytest.mark.parametrize(
    ("resource", "verb", "message"),
    [
        ("clusterrolebindings", "get", "cannot get resource"),
        ("clusterrolebindings", "patch", "cannot patch resource"),
        ("clusterroles", "bind", "attempting to grant RBAC permissions not currently held"),
    ],
)
def test_a_right_that_the_operator_lacks_is_in_the_status(
    control_plane: ControlPlane,
    plane_user: KubeUser,
    own_namespace: str,
    resource: str,
    verb: str,
    message: str,
) -> None:
    operator, name = account(control_plane), f"reading-{secrets.token_hex(3)}"
    allow_granting(control_plane, operator, name, but=[(resource, verb)])
    flags = (
        f"--lease.namespace={operator.namespace}",
        f"--kubernetes-scheduler.namespace={own_namespace}",
        f"--kubernetes-scheduler.role-binding={name}",
    )
    with operating(control_plane, *flags, kubeconfig=operator.kubeconfig):
        one = object_key(plane_user.apply(read_by(KUBERNETES, "own", own_namespace)))
        condition = plane_user.until_reason(one, "Available", "Forbidden")
        assert message in condition["message"]
        assert "rbac.kubernetesScheduler.namespaces" in condition["message"]
