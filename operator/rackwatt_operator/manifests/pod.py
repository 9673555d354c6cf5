"""The pod of a collector: one container that may read what the document names, and serve.

The kubelet has no certificate, and pages with TLS may require one: there the probes have a port of
their own, in the clear, that answers `/healthz` alone.

It meets Pod Security's `restricted` level: no root, no capability, nothing writable but two empty
folders. A collector inside a node gets what its requirements name beyond that, and nothing else;
a ledger of energy keeps its counters in a directory of the node, so that an update resets none.
"""

from typing import Any

from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.api_token import token_mounts, token_volumes
from rackwatt_operator.manifests.labels import labels, selector
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.privileges import Privileges, privileges
from rackwatt_operator.manifests.secrets import DIRECTORY, volume, volume_mount
from rackwatt_operator.manifests.service import PORT
from rackwatt_operator.manifests.web import served_from

HEALTH_PORT = 9124
DOCUMENTS = "/etc/rackwatt/documents"
STATE = "/var/lib/rackwatt"
AS_GIVEN = (
    "nodeSelector", "tolerations", "affinity", "priorityClassName", "runtimeClassName",
    "imagePullSecrets", "dnsConfig", "hostAliases",
)  # fmt: skip
_HOST_FLAGS = {"/sys": "--path.sysfs", "/proc": "--path.procfs", "/dev": "--path.devfs"}

_ROOT = "/host/root"
RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""The security context of a container that needs no privilege."""


def template(params: Params, shard: int | None) -> dict[str, Any]:
    """Build the pod template of a shard, or of a DaemonSet where there is none."""
    ours = labels(params.base, params.component) | selector(params.base, shard)
    said = params.pod
    metadata: dict[str, Any] = {"labels": said.get("labels", {}) | ours}
    if said.get("annotations"):
        metadata["annotations"] = said["annotations"]
    return {"metadata": metadata, "spec": _spec(params, shard)}


def _spec(params: Params, shard: int | None) -> dict[str, Any]:
    rights = privileges(params.document, params.pod)
    return {
        "serviceAccountName": params.base,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **_host_namespaces(params, rights),
        "securityContext": _identity(params, rights),
        "containers": [_container(params, shard, rights)],
        "volumes": _volumes(params, rights),
        **{key: params.pod[key] for key in AS_GIVEN if params.pod.get(key)},
        **_spread(params),
    }


def _spread(params: Params) -> dict[str, Any]:
    """Keep shards apart where there is room: a node that fails takes few of them with it."""
    if params.shards < 2:
        return {}
    apart = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(params.base)},
    }
    return {"topologySpreadConstraints": [apart]}


def _host_namespaces(params: Params, rights: Privileges) -> dict[str, Any]:
    made: dict[str, Any] = {"hostPID": True} if rights.host_pid else {}
    if rights.host_network:
        made |= {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    return made | {key: params.pod[key] for key in ("dnsPolicy",) if key in params.pod}


def _identity(params: Params, rights: Privileges) -> dict[str, Any]:
    """Say who the process is: root where a collector needs it, else whom the image or cluster says.

    No uid is requested without need. The image names one by its number, which is enough for
    runAsNonRoot; a cluster that assigns another to each namespace (OpenShift) refuses all others.
    Added capabilities reach no user but root.
    """
    said: dict[str, Any] = params.pod.get("securityContext", {})
    seccomp = {"seccompProfile": {"type": "RuntimeDefault"}}
    if rights.root or rights.capabilities:
        return said | {"runAsUser": 0, "runAsGroup": 0} | seccomp
    return {"runAsNonRoot": True} | said | seccomp


def _container(params: Params, shard: int | None, rights: Privileges) -> dict[str, Any]:
    return {
        "name": "collector",
        "image": params.defaults.image.reference,
        "imagePullPolicy": params.defaults.image.pull_policy,
        "args": _arguments(params, shard, rights),
        **_environment(params, rights),
        "ports": container_ports(params.scheme, PORT, HEALTH_PORT),
        # Without it a collector that listens after two seconds is found ready after ten.
        "startupProbe": probe(params.scheme, failures=120, period_s=1),
        "livenessProbe": probe(params.scheme, failures=6),
        "readinessProbe": probe(params.scheme, failures=2),
        "resources": params.pod.get("resources", {}),
        "securityContext": _confinement(rights),
        "volumeMounts": [
            {"name": "documents", "mountPath": DOCUMENTS, "readOnly": True},
            {"name": "state", "mountPath": STATE},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
            *map(volume_mount, params.secrets),
            *token_mounts(params.document),
            *(
                {"name": naming.host_volume(path), "mountPath": place, "readOnly": True}
                for path, place in rights.host_paths.items()
            ),
        ],
    }


def _confinement(rights: Privileges) -> dict[str, Any]:
    """Confine the container. Kubernetes takes nothing away from a privileged one."""
    if rights.privileged:
        return {"privileged": True, "readOnlyRootFilesystem": True}
    added = {"add": list(rights.capabilities)} if rights.capabilities else {}
    return RESTRICTED | {"capabilities": RESTRICTED["capabilities"] | added}


def _arguments(params: Params, shard: int | None, rights: Privileges) -> list[str]:
    arguments = [
        "run",
        f"--config.file={DOCUMENTS}",
        f"--secrets.directory={DIRECTORY}",
        f"--state.directory={STATE}",
        f"--web.listen-address=:{PORT}",
        "--log.format=json",
        f"--log.level={params.defaults.log_level}",
    ]
    if params.web is not None:
        config = params.web.config_secret_ref
        arguments.append(f"--web.config.file={DIRECTORY}/{config.name}/{config.key}")
    if is_probed_apart(params.scheme):
        arguments.append(f"--web.health-listen-address=:{HEALTH_PORT}")
    if shard is not None and params.shards > 1:
        arguments.append(f"--shard={shard + 1}/{params.shards}")
    if params.component == "node":
        arguments.append("--node.name=$(NODE_NAME)")
    mounts = rights.host_paths
    paths = [f"{_HOST_FLAGS[path]}={mounts[path]}" for path in _HOST_FLAGS if path in mounts]
    has_root = any(place.startswith(f"{_ROOT}/") for place in mounts.values())
    return arguments + paths + ([f"--path.rootfs={_ROOT}"] if has_root else [])


def _environment(params: Params, rights: Privileges) -> dict[str, Any]:
    if params.component != "node":
        return {}
    source = {"fieldRef": {"fieldPath": "spec.nodeName"}}
    variables = [{"name": name, "value": value} for name, value in rights.environment.items()]
    return {"env": [{"name": "NODE_NAME", "valueFrom": source}, *variables]}


def is_probed_apart(scheme: str) -> bool:
    """Return whether probes have a port of their own."""
    return scheme == "https"


def container_ports(scheme: str, port: int, health_port: int) -> list[dict[str, Any]]:
    """Build the ports of a container: that of its pages, and one for probes where it is needed."""
    ports = {scheme: port} | ({"health": health_port} if is_probed_apart(scheme) else {})
    return [{"name": name, "containerPort": it, "protocol": "TCP"} for name, it in ports.items()]


def probe(scheme: str, failures: int, period_s: int = 10) -> dict[str, Any]:
    """Build a probe."""
    return {
        "httpGet": {"path": "/healthz", "port": "health" if is_probed_apart(scheme) else scheme},
        "periodSeconds": period_s,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _volumes(params: Params, rights: Privileges) -> list[dict[str, Any]]:
    return [
        {"name": "documents", "configMap": {"name": params.base}},
        {"name": "state", **_state(rights)},
        {"name": "tmp", "emptyDir": {}},
        *(volume(name, name not in served_from(params.web)) for name in params.secrets),
        *token_volumes(params.document),
        *(
            {"name": naming.host_volume(path), "hostPath": {"path": path, "type": "Directory"}}
            for path in rights.host_paths
        ),
    ]


def _state(rights: Privileges) -> dict[str, Any]:
    """Say where counters are kept: on the node, which outlives the pod, or in the pod alone."""
    if not rights.state_directory:
        return {"emptyDir": {}}
    return {"hostPath": {"path": rights.state_directory, "type": "DirectoryOrCreate"}}
