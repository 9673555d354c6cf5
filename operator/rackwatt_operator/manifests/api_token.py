"""The token of a collector that reads nodes and pods of its own cluster, and no other collector.

The kubelet requests it for the pod, replaces it within the hour, and it ends with the pod (bound
service account tokens). It is mounted where every client of Kubernetes looks for it.
"""

from typing import Any

from rackwatt_crds.document import Document, SchedulerBinding
from rackwatt_crds.schedulers.kubernetes import in_cluster

DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount"
_VOLUME = "kube-api-access"
_LIFE_S = 3607  # as Kubernetes' own; the kubelet replaces it after four fifths
_MODE = 0o444
_AUTHORITY = "kube-root-ca.crt"
"""ConfigMap with the authority of the API server, which Kubernetes keeps in each namespace."""


def reads_api(document: Document) -> bool:
    """Return whether a resource's collector reads nodes and pods of its own cluster."""
    if not isinstance(document, SchedulerBinding):
        return False
    kubernetes = document.spec.kubernetes
    return kubernetes is not None and in_cluster(kubernetes)


def token_volumes(document: Document) -> list[dict[str, Any]]:
    """Build the volume of the token; none for any other collector."""
    if not reads_api(document):
        return []
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _LIFE_S}},
        {"configMap": {"name": _AUTHORITY, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    return [{"name": _VOLUME, "projected": {"sources": sources, "defaultMode": _MODE}}]


def token_mounts(document: Document) -> list[dict[str, Any]]:
    """Mount the volume of the token."""
    mount = {"name": _VOLUME, "mountPath": DIRECTORY, "readOnly": True}
    return [mount] if reads_api(document) else []
