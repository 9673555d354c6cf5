"""A Kubernetes control plane for tests: etcd, kube-apiserver, kube-controller-manager, in seconds.

It is real, and has no nodes: objects are validated, defaulted, watched, owned and collected, pods
stay pending. It lives on a loopback address of its own, so that no port can be taken, and in one
folder; nothing stays when it is stopped, or when the tests are killed.
"""

import os
import secrets
import shutil
import socket
import ssl
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from tests.cluster.audit import POLICY, AuditLog
from tests.cluster.cluster import Cluster
from tests.cluster.daemon import Daemon
from tests.cluster.keys import MASTERS, Keys

ISSUER = "https://kubernetes.default.svc"
SERVICES = "10.96.0.0/16"
NEEDED = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


class ControlPlane(Cluster):
    """A running control plane, as a context manager; its daemons can be stopped, frozen, slowed."""

    def __init__(self, tools: Path) -> None:
        missing = [name for name in NEEDED if not (tools / name).exists()]
        if missing:
            raise RuntimeError(f"no {', '.join(missing)} in {tools}: make tools")
        directory = Path(tempfile.mkdtemp(prefix="rackwatt-control-plane-"))
        super().__init__(directory / "admin.kubeconfig", directory, tools)
        self._address = _own_address()
        self.url = f"https://{self._address}:{_free_port(self._address)}"
        self._etcd_url = f"http://{self._address}:{_free_port(self._address)}"
        keys = Keys(directory, self.url, [self._address, "kubernetes.default.svc"])
        keys.user("admin", MASTERS)
        self._manager_login = keys.user("system:kube-controller-manager", MASTERS)
        (directory / "audit.yaml").write_text(POLICY)
        (directory / "audit.jsonl").touch()
        self.audit = AuditLog(directory / "audit.jsonl")
        self.etcd = self._daemon("etcd", *self._etcd_flags())
        self.api_server = self._daemon("kube-apiserver", *self._api_server_flags())
        self.manager = self._daemon("kube-controller-manager", *self._manager_flags())

    def __enter__(self) -> "ControlPlane":
        try:
            self.etcd.start()
            self.etcd.wait_until(self._etcd_ready, "/health")
            self.start_api_server()
            self.manager.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill everything and remove its folder: this state is not needed again."""
        for daemon in (self.manager, self.api_server, self.etcd):
            daemon.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start_api_server(self) -> None:
        """Start the API server, at the address it always had, and wait until it is ready."""
        self.api_server.start()
        self.api_server.wait_until(self._ready, "/readyz")

    def restart_api_server(self, *, abruptly: bool = False) -> None:
        """Stop the API server, by SIGTERM or SIGKILL, and restart it with the same etcd."""
        if abruptly:
            self.api_server.kill()
        else:
            self.api_server.stop()
        self.start_api_server()

    def compact(self) -> None:
        """Compact etcd: a watch from an old version gets 410 Gone."""
        status = self._ask_etcd("maintenance/status", "{}")
        revision = status.split('"revision":"', 1)[1].split('"', 1)[0]
        self._ask_etcd("kv/compaction", f'{{"revision": {revision}, "physical": true}}')

    def _ask_etcd(self, path: str, body: str) -> str:
        request = urllib.request.Request(f"{self._etcd_url}/v3/{path}", body.encode())
        with urllib.request.urlopen(request, timeout=60) as response:
            return str(response.read().decode())

    def _etcd_ready(self) -> bool:
        return _answers(f"{self._etcd_url}/health")

    def _ready(self) -> bool:
        trusted = ssl.create_default_context(cafile=self.directory / "ca.crt")
        return _answers(f"{self.url}/readyz", trusted)

    def _daemon(self, name: str, *flags: str) -> Daemon:
        log = self.directory / f"{name}.log"
        return Daemon([self.tools / name, *flags], log, {"PATH": os.environ["PATH"]})

    def _etcd_flags(self) -> list[str]:
        peers = f"http://{self._address}:{_free_port(self._address)}"
        return [
            f"--data-dir={self.directory}/etcd",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_server_flags(self) -> list[str]:
        at = self.directory
        return [
            f"--etcd-servers={self._etcd_url}",
            f"--bind-address={self._address}",
            f"--advertise-address={self._address}",
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--tls-cert-file={at}/tls.crt",
            f"--tls-private-key-file={at}/tls.key",
            f"--token-auth-file={at}/tokens.csv",
            "--authorization-mode=RBAC",
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",  # as OpenShift has it
            f"--service-cluster-ip-range={SERVICES}",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={at}/accounts.key",
            f"--service-account-signing-key-file={at}/accounts.key",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
            "--shutdown-watch-termination-grace-period=1s",  # else it waits a minute for watches
            f"--audit-policy-file={at}/audit.yaml",
            f"--audit-log-path={self.directory}/audit.jsonl",
            "--audit-log-maxsize=10000",  # MB: the reader follows only this file
        ]

    def _manager_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self._manager_login}",
            f"--service-account-private-key-file={self.directory}/accounts.key",
            f"--root-ca-file={self.directory}/ca.crt",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=300",
            "--kube-api-burst=500",
        ]


def _answers(url: str, trusted: ssl.SSLContext | None = None) -> bool:
    try:
        with urllib.request.urlopen(url, context=trusted, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _own_address() -> str:
    """Choose a loopback address that no other process uses: one of sixteen million."""
    return ".".join(["127", *(str(1 + secrets.randbelow(254)) for _ in range(3))])


def _free_port(address: str) -> int:
    with socket.create_server((address, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
