"""What OpenShift's SCC `restricted-v2` refuses, played by a policy on any API server.

It also fills in a user id and a group of the namespace's range where a pod requests none; that
needs no playing, for a pod that requests none is admitted here and there.
"""

from tests.cluster.clients import Kubectl, Manifest
from tests.cluster.cluster import Cluster

RANGE = (1000680000, 1000689999)
REFUSED = "unable to validate against any security context constraint"
_KIND = {"apiVersion": "admissionregistration.k8s.io/v1"}
_VOLUMES = (
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
)  # fmt: skip


def _within(path: str) -> str:
    least, most = RANGE
    return f"(!has({path}) || ({path} >= {least} && {path} <= {most}))"


def _pod(field: str) -> str:
    """Write what holds for a field of the pod's security context, where it has one."""
    context = "object.spec.securityContext"
    return f"!has({context}) || {_within(f'{context}.{field}')}"


def _each_container(rule: str) -> str:
    return f"object.spec.containers.all(c, {rule})"


_CONTEXT = "c.securityContext"
_RULES = {
    "runAsUser: Invalid value: must be in the ranges": _pod("runAsUser"),
    "fsGroup: Invalid value: is not an allowed group": _pod("fsGroup"),
    "containers[*].runAsUser: Invalid value: must be in the ranges": _each_container(
        f"!has({_CONTEXT}) || {_within(f'{_CONTEXT}.runAsUser')}"
    ),
    "allowPrivilegeEscalation: Invalid value: true": _each_container(
        f"has({_CONTEXT}) && has({_CONTEXT}.allowPrivilegeEscalation)"
        f" && !{_CONTEXT}.allowPrivilegeEscalation"
    ),
    "capabilities: must drop ALL": _each_container(
        f"has({_CONTEXT}) && has({_CONTEXT}.capabilities) && {_CONTEXT}.capabilities.drop == ['ALL']"
        f" && !has({_CONTEXT}.capabilities.add)"
    ),
    "hostNetwork, hostPID: Host is not allowed": (
        "(!has(object.spec.hostNetwork) || !object.spec.hostNetwork)"
        " && (!has(object.spec.hostPID) || !object.spec.hostPID)"
    ),
    "volumes: type is not allowed": (
        "!has(object.spec.volumes) || object.spec.volumes.all(v, "
        + " || ".join(f"has(v.{kind})" for kind in _VOLUMES)
        + ")"
    ),
}


def play(cluster: Cluster, namespace: str) -> None:
    """Hold a namespace's pods to the policy from now on."""
    name = f"scc-{namespace}"
    policy: Manifest = {
        **_KIND,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                ]
            },
            "matchConditions": [
                {"name": "namespace", "expression": f"request.namespace == '{namespace}'"}
            ],
            "validations": [
                {"expression": rule, "message": f"{REFUSED}: {message}", "reason": "Forbidden"}
                for message, rule in _RULES.items()
            ],
        },
    }  # fmt: skip
    binding = {
        **_KIND,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    Kubectl(cluster).apply(policy, binding)
