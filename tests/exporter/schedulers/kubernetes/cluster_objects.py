"""Nodes and pods of a real API server: as a kubelet and a scheduler would leave them."""

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rackwatt_exporter.protocols.http.tls import TlsParameters
from rackwatt_exporter.schedulers.kubernetes.credentials import ApiServer
from tests.cluster.clients import Api, Kubectl, Manifest
from tests.cluster.controlplane import ControlPlane
from tests.eventually import until

CAPACITY = {"cpu": "8", "memory": "32Gi", "pods": "110"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}


class Stage:
    """Objects of one namespace, and nodes with a prefix of their own; `clean` deletes the nodes."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self.control_plane = control_plane
        self.namespace = namespace
        self.api = Api(control_plane)
        self.kubectl = Kubectl(control_plane, namespace)
        self.prefix = f"n{secrets.token_hex(3)}"
        self._nodes: list[str] = []
        account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        until(lambda: self.api.client.get(account).is_success)  # pods are refused without

    def node(self, name: str, capacity: Mapping[str, str] = CAPACITY, ready: str = "True") -> str:
        """Register a node, with a Ready condition unless `ready` is empty."""
        full = f"{self.prefix}-{name}"
        labels = {"rackwatt.test/stage": self.prefix}
        self._send("POST", "/api/v1/nodes", {"metadata": {"name": full, "labels": labels}})
        self._nodes.append(full)
        status: Manifest = {"capacity": dict(capacity), "allocatable": dict(capacity)}
        if ready:
            status["conditions"] = [ready_condition(ready)]
        self._send("PATCH", f"/api/v1/nodes/{full}/status", {"status": status})
        return full

    def change_node(self, name: str, **spec: Any) -> None:
        """Change the spec of a node."""
        self._send("PATCH", f"/api/v1/nodes/{name}", {"spec": spec})

    def pod(self, name: str, node: str = "", **more: Any) -> str:
        """Create a pod, bound to a node if one is given; return its id as a job."""
        requests = more.pop("requests", {"cpu": "1", "memory": "1Gi"})
        metadata = {"name": name, **more.pop("metadata", {})}
        spec = {"containers": [container(requests)], **more}
        if node:
            spec["nodeName"] = node
        self._send("POST", self._pods, {"metadata": metadata, "spec": spec})
        return f"{self.namespace}/{name}"

    def report(self, pod: str, **status: Any) -> None:
        """Report the status of a pod, as its kubelet does."""
        self._send("PATCH", f"{self._pods}/{pod}/status", {"status": status})

    def delete_pod(self, pod: str) -> None:
        """Delete a pod at once."""
        self._send("DELETE", f"{self._pods}/{pod}", {"gracePeriodSeconds": 0})

    def clean(self) -> None:
        """Delete the nodes."""
        for node in self._nodes:
            self.api.client.delete(f"/api/v1/nodes/{node}")
        self.api.client.close()

    @property
    def _pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    def _send(self, method: str, path: str, body: Manifest) -> None:
        headers = STRATEGIC if method == "PATCH" else {}
        answer = self.api.client.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text


def container(requests: Mapping[str, str], name: str = "main", **more: Any) -> Manifest:
    """Describe a container; an extended resource is limited by what is requested of it."""
    limits = {key: text for key, text in requests.items() if "/" in key}
    return {
        "name": name,
        "image": "example.invalid/image",
        "resources": {"requests": dict(requests), "limits": limits},
        **more,
    }


def ready_condition(status: str) -> Manifest:
    """Return the condition Ready as kubelets and the node controller report it."""
    reason, message = {
        "True": ("KubeletReady", "kubelet is posting ready status"),
        "False": ("KubeletNotReady", "container runtime network not ready"),
        "Unknown": ("NodeStatusUnknown", "Kubelet stopped posting node status."),
    }[status]
    now = datetime.fromtimestamp(int(time.time()), UTC).isoformat().replace("+00:00", "Z")
    return {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": now,
        "lastHeartbeatTime": now,
    }


def reader(
    control_plane: ControlPlane, namespace: str, grant: Sequence[str] = ("nodes", "pods")
) -> Path:
    """Make a ServiceAccount that may list and watch some resources; return a file of its token."""
    name = f"reader-{secrets.token_hex(3)}"
    kubectl = Kubectl(control_plane, namespace)
    kubectl.run("create", "serviceaccount", name)
    if grant:
        kubectl.run(
            "create", "clusterrole", name, "--verb=list,watch", f"--resource={','.join(grant)}"
        )
        kubectl.run(
            "create", "clusterrolebinding", name, f"--clusterrole={name}",
            f"--serviceaccount={namespace}:{name}",
        )  # fmt: skip
    path = control_plane.directory / f"{namespace}.{name}.token"
    path.touch(mode=0o600)
    path.write_text(kubectl.run("create", "token", name))
    return path


def server(control_plane: ControlPlane, token: Path, url: str = "") -> ApiServer:
    """Return the API server, or a proxy of it, as credentials say it."""
    tls = TlsParameters(authorities=control_plane.directory / "ca.crt")
    return ApiServer(url or control_plane.url, lambda: token.read_text().strip(), lambda: tls)
