"""Complete Kubernetes of one node: control plane, containerd, kubelet, kube-proxy, CoreDNS."""

import os
import string
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.cluster.clients import CommandError, Kubectl, Manifest, run
from tests.cluster.cluster import Cluster
from tests.cluster.daemon import Daemon
from tests.cluster.keys import MASTERS, Keys
from tests.e2e.netns_host import ADDRESS, HERE, PODS, SERVICES, Machine

NAME, API, DNS = "node1", "10.96.0.1", "10.96.0.10"


class Node(Cluster):
    """The daemons of a cluster in a machine of its own, which end with the machine."""

    def __init__(self, machine: Machine, tools: Path) -> None:
        super().__init__(machine.folder / "admin.kubeconfig", machine.folder, tools)
        self.machine = machine
        self.kubectl = Kubectl(self)
        self._daemons: list[Daemon] = []
        self._make_keys()
        self._write_settings()

    def command(self, name: str) -> list[str | Path]:
        """Return the prefix of a command that runs one of the tools in the node's network."""
        return [*self.machine.network, self.tool(name)]

    def shell(self, line: str) -> str:
        """Run a line of shell as an administrator of this cluster, with the tools in `PATH`.

        Raises:
            CommandError: with what it printed instead.
        """
        home = {"HOME": f"{self.directory}/home", "KUBECONFIG": str(self.kubeconfig)}
        path = {"PATH": f"{self.tools}:{os.environ['PATH']}"}
        command = [*self.machine.network, "bash", "-euo", "pipefail", "-c", line]
        return run(command, environment={**os.environ, **home, **path})

    def start_control_plane(self) -> None:
        """Start etcd, kube-apiserver, kube-controller-manager and kube-scheduler."""
        at = self.directory
        self._start("etcd", f"--data-dir={at}/etcd", "--unsafe-no-fsync", "--log-level=warn")
        api_server = self._start("kube-apiserver", *self._api_server_flags())
        api_server.wait_until(self._succeeds("get", "--raw=/readyz"), "/readyz")
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={at}/system.kube-controller-manager.kubeconfig",
            f"--service-account-private-key-file={at}/accounts.key",
            f"--root-ca-file={at}/ca.crt",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=300",
            "--kube-api-burst=500",
        )
        scheduler = f"--kubeconfig={at}/system.kube-scheduler.kubeconfig"
        self._start("kube-scheduler", scheduler, "--leader-elect=false", "--secure-port=0")

    def start_containerd(self) -> None:
        """Start containerd."""
        daemon = self._start("containerd", f"--config={self.directory}/containerd.toml")
        daemon.wait_until(lambda: self._ctr("version").returncode == 0, "its socket")

    def start_kubelet(self) -> None:
        """Start kubelet and kube-proxy, and wait until the node is ready."""
        at = self.directory
        kubelet = self._start(
            "kubelet",
            f"--config={at}/kubelet.yaml",
            f"--kubeconfig={at}/system.node.{NAME}.kubeconfig",
            f"--hostname-override={NAME}",
            f"--node-ip={ADDRESS}",
        )
        self._start("kube-proxy", f"--config={at}/kube-proxy.yaml")
        ready = ("wait", f"node/{NAME}", "--for=condition=Ready", "--timeout=1s")
        kubelet.wait_until(self._succeeds(*ready), "a node that is ready")

    def import_images(self, archives: Iterable[Path]) -> None:
        """Import images from archives to the node.

        Raises:
            RuntimeError: with what containerd says of one.
        """
        for path in archives:
            done = self._ctr("images", "import", str(path))
            if done.returncode:
                raise RuntimeError(f"{path.name}: {done.stderr}")

    def name_image(self, image: str, other: str) -> None:
        """Give an image of the node an additional name.

        Raises:
            RuntimeError: with what containerd says.
        """
        done = self._ctr("images", "tag", image, other)
        if done.returncode:
            raise RuntimeError(f"{image}: {done.stderr}")

    def diagnosis(self) -> str:
        """Return pods, warnings, and the last log lines of what does not run."""
        ended = [daemon for daemon in self._daemons if not daemon.alive]
        parts = [f"{daemon.name} ended by itself:\n{daemon.log_tail()}" for daemon in ended]
        parts.append(self._output("get", "pods", "--all-namespaces", "--output=wide"))
        warnings = "--field-selector=type=Warning"
        parts.append(self._output("get", "events", "--all-namespaces", warnings))
        parts += [self._log_tail(pod["metadata"]) for pod in self._pods() if not _ready(pod)]
        return "\n".join(parts)

    def _pods(self) -> list[Manifest]:
        try:
            return self.kubectl.items("pods", "--all-namespaces")
        except CommandError:
            return []

    def _log_tail(self, pod: Manifest) -> str:
        where = (f"pod/{pod['name']}", f"--namespace={pod['namespace']}", "--tail=20")
        now = self._output("logs", *where)
        before = self._output("logs", *where, "--previous")
        return f"{pod['name']}:\n{now}\nbefore that:\n{before}"

    def _output(self, *command: str) -> str:
        try:
            return self.kubectl.run(*command)
        except CommandError as error:
            return str(error)

    def _start(self, name: str, *flags: str) -> Daemon:
        daemon = self.machine.daemon(self.tool(name), *flags, path=self.tools)
        daemon.start()
        self._daemons.append(daemon)
        return daemon

    def _succeeds(self, *command: str) -> Callable[[], bool]:
        def succeeds() -> bool:
            try:
                return bool(self.kubectl.run(*command))
            except CommandError:
                return False

        return succeeds

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*self.machine.inside, self.tool("ctr"), "--namespace=k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _api_server_flags(self) -> list[str]:
        at = self.directory
        return [
            "--etcd-servers=http://127.0.0.1:2379",
            f"--advertise-address={ADDRESS}",
            f"--tls-cert-file={at}/tls.crt",
            f"--tls-private-key-file={at}/tls.key",
            f"--client-ca-file={at}/ca.crt",
            f"--token-auth-file={at}/tokens.csv",
            f"--kubelet-client-certificate={at}/api-server.crt",
            f"--kubelet-client-key={at}/api-server.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--service-cluster-ip-range={SERVICES}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={at}/accounts.key",
            f"--service-account-signing-key-file={at}/accounts.key",
        ]

    def _make_keys(self) -> None:
        names = ["127.0.0.1", ADDRESS, API, "kubernetes.default.svc"]
        keys = Keys(self.directory, f"https://{ADDRESS}:6443", names)
        keys.client("api-server", MASTERS)
        keys.user("admin", MASTERS)
        keys.user("system:kube-controller-manager", MASTERS)
        keys.user("system:kube-scheduler")
        keys.user("system:kube-proxy")
        keys.user(f"system:node:{NAME}", "system:nodes")

    def _write_settings(self) -> None:
        settings = {
            "folder": self.directory,
            "cgroup": self.machine.cgroup,
            "pods": PODS,
            "dns": DNS,
        }
        (self.directory / "cni").mkdir()
        (self.directory / "resolv.conf").touch()
        for path in (HERE / "conf").iterdir():
            folder = self.directory / "cni" if path.suffix == ".conflist" else self.directory
            text = string.Template(path.read_text()).substitute(settings)
            (folder / path.name).write_text(text)


def _ready(pod: Manifest) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
