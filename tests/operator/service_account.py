"""A service account that has exactly the rights of the RBAC table, or fewer."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rackwatt_operator.rbac import policy_rules
from tests.cluster.clients import Kubectl
from tests.cluster.cluster import Cluster

GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Account:
    """Account of the operator: the user as audit logs name it, its namespace, its kubeconfig."""

    user: str
    namespace: str
    kubeconfig: Path
    role: str


def account(cluster: Cluster, but: Sequence[tuple[str, str]] = ()) -> Account:
    """Create an account with the rights of the table, except some (resource, verb)."""
    name = f"operator-{secrets.token_hex(3)}"
    kubectl = Kubectl(cluster)
    kubectl.run("create", "namespace", name)
    manifests = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": name},
        },
        *_granted("ClusterRole", name, _without(policy_rules("watched"), but)),
        *_granted("Role", name, policy_rules("own")),
    ]
    kubectl.apply(*manifests)
    user = f"system:serviceaccount:{name}:{name}"
    return Account(user, name, cluster.service_account(name, name), name)


def grant(cluster: Cluster, account: Account) -> None:
    """Grant an account all rights of the table."""
    Kubectl(cluster).apply(*_granted("ClusterRole", account.role, policy_rules("watched")))


def allow_granting(
    cluster: Cluster, account: Account, name: str, but: Sequence[tuple[str, str]] = ()
) -> None:
    """Create what the chart creates for collectors that read nodes and pods, under a name."""
    rules = [
        rule | {"resourceNames": [name for _ in rule["resourceNames"]]}
        for rule in _without(policy_rules("granting"), but)
    ]
    reading = [{"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list", "watch"]}]
    role, bound = _granted("ClusterRole", name, reading)
    del bound["subjects"]
    manifests = [role, bound, *_granted("ClusterRole", f"{name}-granting", rules)]
    manifests[-1]["subjects"][0] |= {"name": account.role, "namespace": account.namespace}
    Kubectl(cluster).apply(*manifests)


def revoke(cluster: Cluster, account: Account, but: Sequence[tuple[str, str]]) -> None:
    """Revoke some (resource, verb) of an account that has all rights of the table."""
    rules = _without(policy_rules("watched"), but)
    Kubectl(cluster).apply(*_granted("ClusterRole", account.role, rules))


def _granted(kind: str, name: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    metadata = {"name": name} | ({"namespace": name} if kind == "Role" else {})
    role = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "rules": rules}
    bound = {
        "apiVersion": f"{GROUP}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": name}],
    }
    return [role, bound]


def _without(rules: list[dict[str, Any]], but: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return each right as a rule of its own, except some."""
    return [
        rule | {"resources": [resource], "verbs": [verb]}
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if (resource, verb) not in but
    ]
