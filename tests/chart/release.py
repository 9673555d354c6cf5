"""A release of the chart in a cluster, and its objects."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.chart.rendering import CHART, Manifest
from tests.cluster.clients import Helm, Kubectl
from tests.cluster.cluster import Cluster
from tests.operator.operator_process import Operating, operating

# Every kind that the chart can make, of whatever scope.
KINDS = (
    "serviceaccounts,configmaps,services,deployments,roles,rolebindings,clusterroles,"
    "clusterrolebindings,networkpolicies,poddisruptionbudgets,secrets,pods"
)


class Release:
    """One release, in a namespace of the same name unless another is named."""

    def __init__(self, cluster: Cluster, name: str = "", namespace: str = "") -> None:
        self.name = name or f"rackwatt-{secrets.token_hex(3)}"
        self.namespace = namespace or self.name
        self.operator = f"{self.name}-operator"
        self.cluster = cluster
        self.helm = Helm(cluster, self.namespace)
        self.kubectl = Kubectl(cluster, self.namespace)

    def install(self, values: Mapping[str, Any]) -> str:
        """Install it; there is no node, so nothing is waited for."""
        return self._helm("install", values, "--create-namespace")

    def upgrade(self, values: Mapping[str, Any]) -> str:
        """Upgrade it with other values."""
        return self._helm("upgrade", values)

    def _helm(self, verb: str, values: Mapping[str, Any], *flags: str) -> str:
        return self.helm.run(verb, self.name, CHART, "--values=-", *flags, said=json.dumps(values))

    def objects(self) -> list[Manifest]:
        """List what is there of it."""
        labelled = f"--selector=app.kubernetes.io/instance={self.name}"
        return self.kubectl.items(KINDS, "--all-namespaces", labelled, "--show-managed-fields")

    def deployment(self) -> Manifest:
        """Get the operator's Deployment."""
        return self.kubectl.get("deployment", self.operator)

    @contextmanager
    def operating(self, folder: Path) -> Iterator[Operating]:
        """Run the operator here as its pod would: with its account, its flags and its defaults."""
        (container,) = self.deployment()["spec"]["template"]["spec"]["containers"]
        config = self.kubectl.get("configmap", f"{self.operator}-defaults")
        defaults = folder / "defaults.yaml"
        defaults.write_text(config["data"]["defaults.yaml"])
        flags = [f"--defaults.file={defaults}", "--lease.duration=2s"]
        flags += [
            one for one in container["args"][1:] if not one.startswith(("--defaults", "--web"))
        ]
        account = self.cluster.service_account(self.namespace, self.operator)
        with operating(self.cluster, *flags, kubeconfig=account) as running:
            yield running


def documents(cluster: Cluster) -> list[Manifest]:
    """List all documents."""
    return Kubectl(cluster).items("powertargets,schedulerbindings", "--all-namespaces")


def shown_crds(release: Release) -> list[Manifest]:
    """Apply the CRDs that the chart shows before an upgrade."""
    return list(yaml.safe_load_all(release.helm.run("show", "crds", CHART)))
