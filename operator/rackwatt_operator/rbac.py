"""What the operator may do in a cluster: one table, from which the chart's roles are made.

Nothing here is a right on Secrets, on roles, or on a document itself: its status is all that is
ever written of it. A test holds the table to what was asked of a real API server, both ways.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args

from rackwatt_operator.kube.leader_election import NAME
from rackwatt_operator.kube.resources import (
    CHILDREN,
    DOCUMENTS,
    ENDPOINT_SLICE,
    EVENT,
    LEASE,
    NAMESPACE,
    POWER_TARGET,
    PROMETHEUSES,
)

Scope = Literal["watched", "own"]
"""Where a rule holds: in every watched namespace, or in the operator's own."""
SCOPES: tuple[Scope, ...] = get_args(Scope)

_SEEN = ("list", "watch")
_KEPT = ("get", *_SEEN, "create", "patch", "delete")


class Rule(NamedTuple):
    """One right; `names` are the only objects it holds for, none means all."""

    api_groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    scope: Scope = "watched"
    names: tuple[str, ...] = ()


def _children() -> Iterator[Rule]:
    for group in sorted({kind.group for kind in CHILDREN}):
        plurals = tuple(sorted(kind.plural for kind in CHILDREN if kind.group == group))
        yield Rule((group,), plurals, _KEPT)


RULES: tuple[Rule, ...] = (
    Rule((POWER_TARGET.group,), tuple(kind.plural for kind in DOCUMENTS), _SEEN),
    Rule((POWER_TARGET.group,), tuple(f"{kind.plural}/status" for kind in DOCUMENTS), ("patch",)),
    *_children(),
    # Which Prometheus takes a ServiceMonitor, and where the collectors are.
    Rule((PROMETHEUSES[0].group,), tuple(kind.plural for kind in PROMETHEUSES), _SEEN),
    Rule((ENDPOINT_SLICE.group,), (ENDPOINT_SLICE.plural,), _SEEN),
    Rule((NAMESPACE.group,), (NAMESPACE.plural,), ("get",)),
    # Ours are posted; a DaemonSet's tell why its pods are refused.
    Rule((EVENT.group,), (EVENT.plural,), ("create", "list")),
    # A name cannot be asked for in what does not exist yet.
    Rule((LEASE.group,), (LEASE.plural,), ("create",), "own"),
    Rule((LEASE.group,), (LEASE.plural,), ("get", "update"), "own", (NAME,)),
)


def policy_rules(scope: Scope) -> list[dict[str, Any]]:
    """Write the rules of a scope as Kubernetes spells them."""
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
