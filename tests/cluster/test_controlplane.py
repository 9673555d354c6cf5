"""The control plane itself: etcd, kube-apiserver and kube-controller-manager of Kubernetes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.cluster import monitoring
from tests.cluster.clients import Api, CommandError, Helm, Kubectl
from tests.cluster.cluster import Cluster
from tests.cluster.controlplane import ControlPlane

ROOT = Path(__file__).parents[2]
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a"},
    "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "a", "image": "localhost/a:1"}]},
        },
    },
}


def test_an_applied_object_is_defaulted_and_controllers_act_on_it(
    cluster: Cluster, namespace: str
) -> None:
    kubectl = Kubectl(cluster, namespace)
    kubectl.apply(DEPLOYMENT)
    (pod,) = kubectl.until(lambda k: k.items("pods", "--selector=app=a"))
    assert pod["spec"]["schedulerName"] == "default-scheduler"


def test_an_owned_object_is_garbage_collected_with_its_owner(
    cluster: Cluster, namespace: str
) -> None:
    kubectl = Kubectl(cluster, namespace)
    kubectl.apply(CONFIG)
    owner = kubectl.get("configmap", "a")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a"}
    child = {"name": "b", "ownerReferences": [{**reference, "uid": owner["metadata"]["uid"]}]}
    kubectl.apply({**CONFIG, "metadata": child})
    kubectl.delete("configmap", "a")
    kubectl.until(lambda k: "configmap/b\n" not in k.run("get", "configmaps", "--output=name"))


def test_a_service_account_may_do_what_its_role_says_and_the_audit_log_has_it(
    control_plane: ControlPlane, own_namespace: str
) -> None:
    kubectl = Kubectl(control_plane, own_namespace)
    kubectl.run("create", "serviceaccount", "reader")
    kubectl.run("create", "role", "reader", "--verb=get,list", "--resource=configmaps")
    account = f"--serviceaccount={own_namespace}:reader"
    kubectl.run("create", "rolebinding", "reader", "--role=reader", account)
    reader = control_plane.service_account(own_namespace, "reader")
    user = f"system:serviceaccount:{own_namespace}:reader"
    kubectl.until(lambda k: k.run("auth", "can-i", "list", "configmaps", f"--as={user}"))
    control_plane.audit.mark()
    path = f"/api/v1/namespaces/{own_namespace}"
    with Api(control_plane, reader) as api:
        assert api.get(f"{path}/configmaps")["kind"] == "ConfigMapList"
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            api.get(f"{path}/secrets/a")
        api.client.post(f"{path}/configmaps", json=CONFIG)
    calls = [(call.verb, call.resource, call.code) for call in control_plane.audit.calls(user)]
    assert calls == [
        ("list", "configmaps", 200),
        ("get", "secrets", 403),
        ("create", "configmaps", 403),
    ]
    assert [call.verb for call in control_plane.audit.writes(user)] == ["create"]


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_restarted_api_server_keeps_its_objects(
    control_plane: ControlPlane, own_namespace: str, abruptly: bool
) -> None:
    kubectl = Kubectl(control_plane, own_namespace)
    kubectl.apply(CONFIG)
    before = control_plane.api_server.pid
    control_plane.restart_api_server(abruptly=abruptly)
    assert control_plane.api_server.pid != before
    assert kubectl.get("configmap", "a")["data"] == {"k": "v"}


def test_an_api_server_without_its_etcd_answers_when_etcd_is_back(
    control_plane: ControlPlane, own_namespace: str
) -> None:
    kubectl = Kubectl(control_plane, own_namespace)
    with control_plane.etcd.frozen(), pytest.raises(CommandError):
        kubectl.run("create", "configmap", "a", "--request-timeout=1s")
    kubectl.until(lambda k: k.apply(CONFIG))


def test_writes_reach_an_etcd_that_is_slow(control_plane: ControlPlane, own_namespace: str) -> None:
    with control_plane.etcd.slowed():
        Kubectl(control_plane, own_namespace).until(lambda k: k.apply(CONFIG))


def test_a_version_that_etcd_has_forgotten_is_410_gone(
    control_plane: ControlPlane, own_namespace: str
) -> None:
    path = f"/api/v1/namespaces/{own_namespace}/configmaps"
    with Api(control_plane) as api:
        version = api.get(path)["metadata"]["resourceVersion"]
        Kubectl(control_plane, own_namespace).apply(CONFIG)
        control_plane.compact()
        control_plane.restart_api_server(abruptly=True)
        query = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
        answer = api.client.get(path, params=query)
    assert answer.status_code == 410


def test_the_crds_of_prometheus_operator_come_and_go(
    control_plane: ControlPlane, own_namespace: str
) -> None:
    kubectl = Kubectl(control_plane, own_namespace)
    with monitoring.installed(control_plane):
        assert kubectl.items("servicemonitors") == []
    with pytest.raises(CommandError, match=r"the requested resource|have a resource type"):
        kubectl.items("servicemonitors")


def test_helm_installs_and_uninstalls(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    helm = Helm(cluster, namespace)
    helm.run("create", tmp_path / "chart")
    helm.run("install", "a", tmp_path / "chart")
    assert Kubectl(cluster, namespace).items("deployments")
    helm.run("uninstall", "a", "--wait")
    assert Kubectl(cluster, namespace).items("deployments") == []


def test_a_control_plane_that_cannot_start_says_why_and_leaves_nothing(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    for tool in control_plane.tools.iterdir():
        (tmp_path / tool.name).symlink_to(tool)
    (tmp_path / "etcd").unlink()
    (tmp_path / "etcd").symlink_to("/bin/false")
    broken = ControlPlane(tmp_path)
    with pytest.raises(RuntimeError, match="etcd ended by itself"), broken:
        pass
    assert not broken.directory.exists()


def test_missing_tools_are_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"no etcd, kube-apiserver, .*make tools"):
        ControlPlane(tmp_path)


def test_daemons_die_with_the_process_that_started_them() -> None:
    code = """
import signal
from scripts.tools import directory
from tests.cluster.controlplane import ControlPlane
with ControlPlane(directory()) as running:
    print(running.directory, running.etcd.pid, running.api_server.pid, flush=True)
    signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        directory, *pids = process.stdout.readline().split()
        process.send_signal(signal.SIGKILL)
    deadline_s = time.monotonic() + 60
    while any(_alive(int(pid)) for pid in pids):
        assert time.monotonic() < deadline_s, f"{pids} live on"
        time.sleep(0.05)
    subprocess.run(["rm", "-r", directory], check=True)


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
