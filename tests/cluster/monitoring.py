"""The Prometheus Operator's own CRDs, to be installed, and removed where the cluster is ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.clients import Kubectl
from tests.cluster.cluster import Cluster
from tests.cluster.controlplane import ControlPlane


def crds(cluster: Cluster) -> Path:
    """Find their folder among the tools."""
    return cluster.tool("prometheus-operator-crd").resolve()  # kubectl follows no link to a folder


def install(cluster: Cluster) -> None:
    """Install them, and wait until they are served."""
    kubectl, folder = Kubectl(cluster), crds(cluster)
    kubectl.apply(folder)
    kubectl.run("wait", "--for=condition=Established", "--timeout=120s", f"--filename={folder}")


def remove(cluster: ControlPlane) -> None:
    """Remove them and whatever is of their kinds: on our own control plane alone."""
    kubectl, folder = Kubectl(cluster), f"--filename={crds(cluster)}"
    kubectl.delete(folder)  # all at once: one by one takes half a minute
    kubectl.run("wait", "--for=delete", "--timeout=120s", folder)


@contextmanager
def installed(cluster: Cluster) -> Iterator[None]:
    """Have them while the block lasts; a cluster that is not ours keeps them."""
    install(cluster)
    try:
        yield
    finally:
        if isinstance(cluster, ControlPlane):
            remove(cluster)
