"""Clients of a test cluster: kubectl, helm and plain HTTP."""

import base64
import json
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from tests.cluster.cluster import Cluster

PATIENCE_S = 120.0
Manifest = dict[str, Any]


class CommandError(Exception):
    """A command that failed; the message is what it said."""


class Kubectl:
    """kubectl, as the user of a kubeconfig: the cluster's own where none is named."""

    def __init__(
        self, cluster: Cluster, namespace: str = "", kubeconfig: Path | None = None
    ) -> None:
        self._command = [
            *cluster.command("kubectl"),
            f"--kubeconfig={kubeconfig or cluster.kubeconfig}",
            f"--cache-dir={cluster.directory}/kubectl-cache",
            *([f"--namespace={namespace}"] if namespace else []),
        ]

    def run(self, *arguments: str | Path, said: str | None = None) -> str:
        """Run it and give what it printed; `said` goes to its standard input.

        Raises:
            CommandError: with what it printed instead.
        """
        return run([*self._command, *arguments], said)

    def get(self, *what: str) -> Manifest:
        """Get an object, or a list of them, decoded: `get("deployment", "bmc-0")`."""
        found: Manifest = json.loads(self.run("get", *what, "--output=json"))
        return found

    def items(self, *what: str) -> list[Manifest]:
        """List objects, decoded: `items("pods", "--selector=a=b")`."""
        found: list[Manifest] = self.get(*what)["items"]
        return found

    def apply(self, *given: Manifest | Path) -> str:
        """Apply manifests, files or folders on the server's side, as those who own every field."""
        flags = ("apply", "--server-side", "--force-conflicts")
        output = [
            self.run(*flags, f"--filename={path}") for path in given if isinstance(path, Path)
        ]
        manifests = [manifest for manifest in given if not isinstance(manifest, Path)]
        if manifests:
            output.append(self.run(*flags, "--filename=-", said=yaml.safe_dump_all(manifests)))
        return "".join(output)

    def delete(self, *what: str) -> None:
        """Delete what may be there, without waiting until it is gone."""
        self.run("delete", *what, "--ignore-not-found", "--wait=false")

    def until(self, holds: Callable[[Self], object], patience_s: float = PATIENCE_S) -> Any:
        """Ask until something holds, and give what it was.

        Raises:
            TimeoutError: it did not come to hold; with the last answer, or refusal.
        """
        deadline_s = time.monotonic() + patience_s
        while True:
            try:
                result = holds(self)
            except CommandError as refused:
                result, last = None, str(refused)
            else:
                last = repr(result)
            if result:
                return result
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"waited {patience_s:.0f} s in vain; the last answer: {last}")
            time.sleep(0.1)


class Helm:
    """helm, with a home of its own in the cluster's folder."""

    def __init__(self, cluster: Cluster, namespace: str = "default") -> None:
        home = cluster.directory / "helm"
        self._command = [*cluster.command("helm"), f"--namespace={namespace}"]
        self._environment = {
            "HOME": str(home),
            "KUBECONFIG": str(cluster.kubeconfig),
            "HELM_CACHE_HOME": f"{home}/cache",
            "HELM_CONFIG_HOME": f"{home}/config",
            "HELM_DATA_HOME": f"{home}/data",
        }

    def run(self, *arguments: str | Path, said: str | None = None) -> str:
        """Run it and give what it printed.

        Raises:
            CommandError: with what it printed instead.
        """
        return run([*self._command, *arguments], said, self._environment)


class Api:
    """Plain requests to the API server, as the user of a kubeconfig: ten times as quick as kubectl.

    It knows the two ways to log in that clusters of tests have: a token, a client's certificate.
    """

    def __init__(self, cluster: Cluster, kubeconfig: Path | None = None) -> None:
        settings = yaml.safe_load((kubeconfig or cluster.kubeconfig).read_text())
        where, user = settings["clusters"][0]["cluster"], settings["users"][0]["user"]
        self.client = httpx.Client(
            base_url=where["server"],
            verify=_trusting(where, user, cluster.directory),
            headers={"Authorization": f"Bearer {user['token']}"} if "token" in user else {},
            timeout=60,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str, **parameters: str) -> Manifest:
        """Get what is at a path, decoded.

        Raises:
            httpx.HTTPStatusError: the server refused.
        """
        found: Manifest = self.client.get(path, params=parameters).raise_for_status().json()
        return found


def run(
    command: Sequence[str | Path],
    said: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command and give what it printed.

    Raises:
        CommandError: with what it printed instead.
    """
    done = subprocess.run(
        command, input=said or "", env=environment, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise CommandError((done.stderr + done.stdout).strip())
    return done.stdout


def _trusting(where: Mapping[str, str], user: Mapping[str, str], folder: Path) -> ssl.SSLContext:
    pem = base64.b64decode(where["certificate-authority-data"])
    context = ssl.create_default_context(cadata=pem.decode())
    if "client-certificate-data" in user:
        file = folder / "client.pem"
        file.touch(mode=0o600)
        file.write_bytes(
            base64.b64decode(user["client-certificate-data"])
            + base64.b64decode(user["client-key-data"])
        )
        context.load_cert_chain(file)
    return context
