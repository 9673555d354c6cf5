"""A running cluster: the address for its clients, and their credentials."""

import subprocess
from pathlib import Path

import yaml


class Cluster:
    """A cluster as a kubeconfig of one context names it; `directory` is for what clients keep."""

    def __init__(self, kubeconfig: Path, directory: Path, tools: Path) -> None:
        self.kubeconfig = kubeconfig
        self.directory = directory
        self.tools = tools

    def tool(self, name: str) -> Path:
        """Find one of the tools: `kubectl`, `helm`, `kubeconform` …"""
        path = self.tools / name
        assert path.exists(), f"{name} is missing: make tools"
        return path

    def command(self, name: str) -> list[str | Path]:
        """Give the beginning of a command that runs one of the tools where the cluster is reached."""
        return [self.tool(name)]

    def service_account(self, namespace: str, name: str) -> Path:
        """Log in as a service account that exists: write its kubeconfig, with a token of an hour."""
        token = subprocess.run(
            [*self.command("kubectl"), f"--kubeconfig={self.kubeconfig}", "create", "token", name,
             f"--namespace={namespace}", "--duration=1h"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        settings = yaml.safe_load(self.kubeconfig.read_text())
        path = self.directory / f"{namespace}.{name}.kubeconfig"
        write_kubeconfig(path, settings["clusters"][0]["cluster"], {"token": token}, namespace)
        return path


def existing(kubeconfig: str, directory: Path, tools: Path) -> Cluster:
    """Take the cluster that a kubeconfig, or a list of them as in KUBECONFIG, has as its current one."""
    completed = subprocess.run(
        [tools / "kubectl", "config", "view", "--raw", "--minify", "--flatten"],
        env={"KUBECONFIG": kubeconfig}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    path = directory / "existing.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(completed.stdout)
    return Cluster(path, directory, tools)


def write_kubeconfig(
    path: Path, cluster: dict[str, str], user: dict[str, str], namespace: str = "default"
) -> None:
    """Write a kubeconfig of one cluster and one user, for its owner's eyes alone."""
    context = {"cluster": "tests", "user": "tests", "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "tests", "user": user}],
        "contexts": [{"name": "tests", "context": context}],
        "current-context": "tests",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
