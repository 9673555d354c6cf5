"""The pod of a collector: one container that may do nothing but read the network and serve.

It meets Pod Security's `restricted` level: no root, no capability, nothing writable but two empty
folders.
"""

from typing import Any

from rackwatt_operator.plan.labels import labels, selector
from rackwatt_operator.plan.secrets import secrets, volume, volume_mount
from rackwatt_operator.plan.service import PORT, PORT_NAME
from rackwatt_operator.plan.subject import Subject

USER = 65532
DOCUMENTS = "/etc/rackwatt/documents"
STATE = "/var/lib/rackwatt"


def template(subject: Subject, shard: int | None) -> dict[str, Any]:
    """Make the pod template of a shard, or of a DaemonSet where there is none."""
    return {
        "metadata": {
            "labels": labels(subject.base, subject.component) | selector(subject.base, shard)
        },
        "spec": {
            "serviceAccountName": subject.base,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [_container(subject, shard)],
            "volumes": _volumes(subject),
        },
    }


def _container(subject: Subject, shard: int | None) -> dict[str, Any]:
    return {
        "name": "collector",
        "image": subject.defaults.image.reference,
        "imagePullPolicy": subject.defaults.image.pull_policy,
        "args": _arguments(subject, shard),
        "ports": [{"name": PORT_NAME, "containerPort": PORT, "protocol": "TCP"}],
        "livenessProbe": _probe(failures=6),
        "readinessProbe": _probe(failures=2),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "documents", "mountPath": DOCUMENTS, "readOnly": True},
            {"name": "state", "mountPath": STATE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
            *map(volume_mount, secrets(subject.document)),
        ],
    }


def _arguments(subject: Subject, shard: int | None) -> list[str]:
    arguments = [
        "run",
        f"--config.file={DOCUMENTS}",
        "--secrets.directory=/etc/rackwatt/secrets",
        f"--state.directory={STATE}",
        f"--web.listen-address=:{PORT}",
        "--log.format=json",
    ]
    if shard is not None and subject.shards > 1:
        arguments.append(f"--shard={shard + 1}/{subject.shards}")
    return arguments


def _probe(failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/healthz", "port": PORT_NAME},
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _volumes(subject: Subject) -> list[dict[str, Any]]:
    return [
        {"name": "documents", "configMap": {"name": subject.base}},
        {"name": "state", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        *map(volume, secrets(subject.document)),
    ]
