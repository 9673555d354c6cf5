"""Selection of a ServiceMonitor or PrometheusRule by a Prometheus, and the labels it requires.

Prometheus Operator writes it into the status of that object if the feature gate
`StatusForConfigurationResources` is set; otherwise the selectors of each Prometheus decide:
https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusSpec
A PrometheusAgent has the same selectors.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rackwatt_operator.kube.resources import PROMETHEUSES, ObjectKey

Labels = Mapping[str, str]
_SELECTORS = {
    "ServiceMonitor": ("serviceMonitorSelector", "serviceMonitorNamespaceSelector"),
    "PrometheusRule": ("ruleSelector", "ruleNamespaceSelector"),
}
"""The fields of a Prometheus that select each kind: by its labels, and by its namespace's."""
_KINDS = {kind.plural: kind.kind for kind in PROMETHEUSES}


@dataclass(frozen=True, slots=True)
class Selection:
    """The Prometheus resources that select an object; `wanting` says why others do not."""

    seen: int
    taken_by: Sequence[str] = ()
    wanting: Sequence[str] = ()
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """A ServiceMonitor or a PrometheusRule: what selectors match."""

    kind: str
    namespace: str
    labels: Labels
    namespace_labels: Labels


def bound(bindings: Sequence[Mapping[str, Any]]) -> Selection:
    """Return the selection in the bindings of the object's own status."""
    taken, rejected = [], ""
    for one in bindings:
        kind = _KINDS.get(one.get("resource", ""), "Prometheus")
        name = str(ObjectKey(kind, one.get("namespace", ""), one.get("name", "")))
        for condition in one.get("conditions") or ():
            if condition.get("type") != "Accepted":
                continue
            if condition.get("status") == "True":
                taken.append(name)
            else:
                rejected = f"{name}: {condition.get('message') or 'rejected'}"
    return Selection(len(bindings), taken, (), rejected)


def selected(one: Selected, prometheuses: Mapping[ObjectKey, Mapping[str, Any]]) -> Selection:
    """Return the selection by matching the selectors of each Prometheus."""
    taken, wanting = [], []
    for name, spec in sorted(prometheuses.items()):
        wants = list(_wants(one, name.namespace, spec))
        if wants:
            wanting.append(f"{name} wants {' and '.join(wants)}")
        else:
            taken.append(str(name))
    return Selection(len(prometheuses), taken, wanting)


def _wants(one: Selected, home: str, spec: Mapping[str, Any]) -> Iterator[str]:
    field, field_of_namespaces = _SELECTORS[one.kind]
    labels, namespaces = spec.get(field), spec.get(field_of_namespaces)
    if labels is None:
        yield f"no {one.kind} at all (it has no {field})"
    else:
        yield from (f"label {want} on it" for want in unmet(labels, one.labels))
    if namespaces is None:
        if one.namespace != home:
            yield f"it in its own namespace {home}"
    else:
        for want in unmet(namespaces, one.namespace_labels):
            yield f"label {want} on namespace {one.namespace}"


def unmet(selector: Mapping[str, Any], labels: Labels) -> Iterator[str]:
    """Yield the requirements of a label selector that these labels do not meet."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            yield f"{key}={value}"
    for one in selector.get("matchExpressions") or ():
        if not _holds(one, labels):
            values = ", ".join(one.get("values") or ())
            yield f"{one['key']} {one['operator']}" + (f" ({values})" if values else "")


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
