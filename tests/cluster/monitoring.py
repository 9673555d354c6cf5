"""The Prometheus Operator's own CRDs, to be installed, and removed where the cluster is ours.

Those of the kinds that we create or ask about alone: all ten keep an API server busy for long.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.cluster.clients import Kubectl
from tests.cluster.cluster import Cluster
from tests.cluster.controlplane import ControlPlane

GROUP = "monitoring.coreos.com"
KINDS = ("servicemonitors", "prometheusrules", "prometheuses", "prometheusagents")


def install(cluster: Cluster, kinds: Iterable[str] = KINDS) -> None:
    """Install them, and wait until they are served."""
    kubectl, folder = Kubectl(cluster), cluster.tool("prometheus-operator-crd")
    kubectl.apply(*(folder / f"{GROUP}_{kind}.yaml" for kind in kinds))
    established = ("wait", "--for=condition=Established", "--timeout=120s", *_names(kinds))
    kubectl.until(lambda k: k.run(*established))  # wait fails for objects without a status


def remove(cluster: ControlPlane) -> None:
    """Remove them and whatever is of their kinds: on our own control plane alone."""
    kubectl = Kubectl(cluster)
    kubectl.delete(*_names(KINDS))  # all at once: one after the other takes long
    kubectl.until(_gone, 300)


def _gone(kubectl: Kubectl) -> bool:
    """Return whether all are deleted, after a pause; each check touches what is left.

    An API server that could not remove what was of a kind tries again ever later, but for a CRD that
    is changed; and a wait may miss the end of one.
    """
    left = kubectl.run("get", *_names(KINDS), "--ignore-not-found", "--output=name").split()
    if left:
        kubectl.run("annotate", "--overwrite", *left, f"rackwatt.dev/looked={time.time_ns()}")
        kubectl.run("wait", "--for=delete", "--timeout=20s", *left)
    return True


@contextmanager
def installed(cluster: Cluster) -> Iterator[None]:
    """Have them while the block lasts; a cluster that is not ours keeps them."""
    install(cluster)
    try:
        yield
    finally:
        if isinstance(cluster, ControlPlane):
            remove(cluster)


def _names(kinds: Iterable[str]) -> list[str]:
    return [f"customresourcedefinition/{kind}.{GROUP}" for kind in kinds]
