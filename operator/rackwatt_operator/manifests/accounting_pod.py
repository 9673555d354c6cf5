"""The pod of accounting: one container that reads a scheduler and Prometheus, and serves.

It meets Pod Security's `restricted` level, and writes to its volume and /tmp alone. A volume is
root's until its group is that of the pod: the image's, unless the cluster assigns another.
"""

from typing import Any

from rackwatt_crds.accounting.accounting import Accounting
from rackwatt_crds.accounting.storage import Storage
from rackwatt_operator.manifests import defaults as own
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.api_token import token_mounts, token_volumes
from rackwatt_operator.manifests.labels import labels_of_accounting
from rackwatt_operator.manifests.merge import deep_merge, plain
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.pod import (
    AS_GIVEN,
    DOCUMENTS,
    RESTRICTED,
    STATE,
    container_ports,
    is_probed_apart,
    probe,
)
from rackwatt_operator.manifests.secrets import DIRECTORY, volume, volume_mount
from rackwatt_operator.manifests.service import ACCOUNTING_PORT
from rackwatt_operator.manifests.web import scheme, served_from

HEALTH_PORT = 9125
DATABASE = "accounting.db"
_GROUP = 65532
"""The group of the image's user."""


def template(params: Params, settings: Accounting, storage: Storage) -> dict[str, Any]:
    """Build the pod template."""
    said = deep_merge(
        plain(settings.pod), plain(params.defaults.accounting.pod), own.ACCOUNTING_POD
    )
    ours = labels_of_accounting(params.base)
    metadata: dict[str, Any] = {"labels": said.get("labels", {}) | ours}
    if said.get("annotations"):
        metadata["annotations"] = said["annotations"]
    return {"metadata": metadata, "spec": _spec(params, settings, storage, said)}


def _spec(
    params: Params, settings: Accounting, storage: Storage, said: dict[str, Any]
) -> dict[str, Any]:
    return {
        "serviceAccountName": params.base,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **_network(said),
        "securityContext": _identity(params, storage, said),
        "containers": [_container(params, settings, storage, said)],
        "volumes": _volumes(params, settings, storage),
        **{key: said[key] for key in AS_GIVEN if said.get(key)},
    }


def _network(said: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if said.get("hostNetwork"):
        made = {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    return made | {key: said[key] for key in ("dnsPolicy",) if key in said}


def _identity(params: Params, storage: Storage, said: dict[str, Any]) -> dict[str, Any]:
    """Say who the process is: the image's user, or the one that the cluster assigns."""
    group: dict[str, Any] = {}
    if storage.sqlite is not None and not params.facts.assigns_ids:
        group = {"fsGroup": _GROUP, "fsGroupChangePolicy": "OnRootMismatch"}
    given: dict[str, Any] = said.get("securityContext", {})
    return {"runAsNonRoot": True} | group | given | {"seccompProfile": {"type": "RuntimeDefault"}}


def _container(
    params: Params, settings: Accounting, storage: Storage, said: dict[str, Any]
) -> dict[str, Any]:
    image = params.defaults.accounting.image
    return {
        "name": "accounting",
        "image": image.reference,
        "imagePullPolicy": image.pull_policy,
        "args": _arguments(params, settings, storage),
        "ports": container_ports(scheme(settings.web), ACCOUNTING_PORT, HEALTH_PORT),
        # A migration of years of records precedes the first answer.
        "startupProbe": probe(scheme(settings.web), failures=900, period_s=1),
        "livenessProbe": probe(scheme(settings.web), failures=6),
        "readinessProbe": probe(scheme(settings.web), failures=2),
        "resources": said.get("resources", {}),
        "securityContext": RESTRICTED,
        "volumeMounts": [
            {"name": "documents", "mountPath": DOCUMENTS, "readOnly": True},
            {"name": "state", "mountPath": STATE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
            *map(volume_mount, params.secrets_of_accounting),
            *token_mounts(params.document),
        ],
    }


def _arguments(params: Params, settings: Accounting, storage: Storage) -> list[str]:
    arguments = [
        "run",
        f"--config.file={DOCUMENTS}",
        f"--secrets.directory={DIRECTORY}",
        _storage(storage),
        f"--web.listen-address=:{ACCOUNTING_PORT}",
        "--log.format=json",
        f"--log.level={params.defaults.log_level}",
    ]
    if settings.web is not None:
        config = settings.web.config_secret_ref
        arguments.append(f"--web.config.file={DIRECTORY}/{config.name}/{config.key}")
    if is_probed_apart(scheme(settings.web)):
        arguments.append(f"--web.health-listen-address=:{HEALTH_PORT}")
    return arguments


def _storage(storage: Storage) -> str:
    """Name the database: a URI with a password is in a file, and in no argument."""
    if storage.postgresql is not None:
        return f"--storage.file={DIRECTORY}/{storage.postgresql.secret_ref.name}/uri"
    return f"--storage=sqlite:///{STATE}/{DATABASE}"


def _volumes(params: Params, settings: Accounting, storage: Storage) -> list[dict[str, Any]]:
    claim = {"persistentVolumeClaim": {"claimName": naming.accounting(params.base)}}
    needed = {*served_from(settings.web)}
    if storage.postgresql is not None:
        needed.add(storage.postgresql.secret_ref.name)
    return [
        {"name": "documents", "configMap": {"name": params.base}},
        {"name": "state", **(claim if storage.sqlite is not None else {"emptyDir": {}})},
        {"name": "tmp", "emptyDir": {}},
        *(volume(name, name not in needed) for name in params.secrets_of_accounting),
        *token_volumes(params.document),
    ]
