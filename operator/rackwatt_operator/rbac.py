"""RBAC rules of the operator: one table, from which the chart's roles are generated.

There is no right on Secrets, or on the resources themselves, except on their status; and none on
roles, unless the administrator names namespaces whose collectors may read nodes and pods. A
test compares the table with the requests made to a real API server, both ways.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args

from rackwatt_operator.kube.constants import KUBERNETES_SCHEDULER
from rackwatt_operator.kube.leader_election import NAME
from rackwatt_operator.kube.resources import (
    CHILDREN,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    DOCUMENTS,
    ENDPOINT_SLICE,
    EVENT,
    KEPT,
    LEASE,
    NAMESPACE,
    POWER_TARGET,
    PROMETHEUSES,
)

Scope = Literal["watched", "own", "granting"]
"""Scope of a rule: all watched namespaces, the operator's own, or the cluster.

Rules of the cluster are granted only where collectors may read nodes and pods; the chart puts the
name of its release into them.
"""
SCOPES: tuple[Scope, ...] = get_args(Scope)

_SEEN = ("list", "watch")
_GROUP, _GRANTED = (CLUSTER_ROLE.group,), (KUBERNETES_SCHEDULER,)
_WRITTEN = ("get", *_SEEN, "create", "patch")


class Rule(NamedTuple):
    """One rule; `names` restricts it to these objects, empty means all."""

    api_groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    scope: Scope = "watched"
    names: tuple[str, ...] = ()


def _children() -> Iterator[Rule]:
    for group in sorted({kind.group for kind in CHILDREN}):
        plurals = tuple(sorted(kind.plural for kind in CHILDREN if kind.group == group))
        yield Rule((group,), plurals, (*_WRITTEN, "delete"))


RULES: tuple[Rule, ...] = (
    Rule((POWER_TARGET.group,), tuple(kind.plural for kind in DOCUMENTS), _SEEN),
    Rule((POWER_TARGET.group,), tuple(f"{kind.plural}/status" for kind in DOCUMENTS), ("patch",)),
    *_children(),
    # Data: it is created and expanded, and only people delete it.
    *(Rule((kind.group,), (kind.plural,), _WRITTEN) for kind in KEPT),
    # Which Prometheus selects a ServiceMonitor, and the addresses of the collectors.
    Rule((PROMETHEUSES[0].group,), tuple(kind.plural for kind in PROMETHEUSES), _SEEN),
    Rule((ENDPOINT_SLICE.group,), (ENDPOINT_SLICE.plural,), _SEEN),
    Rule((NAMESPACE.group,), (NAMESPACE.plural,), ("get",)),
    # Events are created; those of a DaemonSet say why its pods are rejected.
    Rule((EVENT.group,), (EVENT.plural,), ("create", "list")),
    # RBAC cannot restrict `create` by name.
    Rule((LEASE.group,), (LEASE.plural,), ("create",), "own"),
    Rule((LEASE.group,), (LEASE.plural,), ("get", "update"), "own", (NAME,)),
    # The subjects of one ClusterRoleBinding; the API server lets it name that ClusterRole alone.
    Rule(_GROUP, (CLUSTER_ROLE_BINDING.plural,), ("get", "patch"), "granting", _GRANTED),
    Rule(_GROUP, (CLUSTER_ROLE.plural,), ("bind",), "granting", _GRANTED),
)


def policy_rules(scope: Scope) -> list[dict[str, Any]]:
    """Return the rules of a scope as in a Role."""
    return [
        {
            "apiGroups": list(rule.api_groups),
            "resources": list(rule.resources),
            "verbs": list(rule.verbs),
        }
        | ({"resourceNames": list(rule.names)} if rule.names else {})
        for rule in RULES
        if rule.scope == scope
    ]
