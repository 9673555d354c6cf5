"""PromQL selectors and durations for the series of one resource.

A document's collectors are the job of its Service's name, so that the rules and the dashboard of
one document never speak of another's machines. Where `jobLabel` takes the job from a label of the
Service, several documents may share it: their series are selected by `service`, the Service's name.
"""

import re

from rackwatt_crds.bmc.expansion import valid_entries
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.duration import seconds
from rackwatt_operator.manifests.labels import labels
from rackwatt_operator.manifests.params import Params

JOB = "namespace, job, service"
"""The labels that every series of a document shares."""

_SHORTEST_WINDOW_S = 900


def select(params: Params, family: str, *matchers: str) -> str:
    """Select a family's series of one document: `up{namespace="n",job="pt-lab"}`."""
    own = f'namespace="{params.namespace}"', _whose(params)
    return f"{family}{{{','.join((*own, *matchers))}}}"


def select_namespace(params: Params, family: str, *matchers: str) -> str:
    """Select a family's series of all documents of the namespace: `up{namespace="n"}`."""
    own = f'namespace="{params.namespace}"'
    return f"{family}{{{','.join((own, *matchers))}}}"


def select_by_job(params: Params, family: str, *matchers: str) -> str:
    """Select series of documents of one name, whatever their namespace.

    It is for a family that has a label `namespace` of its own, as `rackwatt_unit_info`: that takes
    the place of the scrape's.
    """
    return f"{family}{{{','.join((_whose(params), *matchers))}}}"


def with_name(expression: str, label: str, instead: str) -> str:
    """Return an expression in which an empty label has a word: Grafana's legend would have none."""
    return f'label_replace({expression}, "{label}", "{instead}", "{label}", "")'


def _whose(params: Params) -> str:
    named = "service" if "jobLabel" in params.service_monitor else "job"
    return f'{named}="{params.base}"'


def job(params: Params) -> str:
    """Return the `job` of the series: the value of the Service's label that `jobLabel` names.

    It is the Service's name where there is no such label. Prometheus Operator writes `_` for each
    character that Prometheus' label names cannot have, so `app_kubernetes_io_name` names one too.
    """
    named = _sanitized(params.service_monitor.get("jobLabel", ""))
    values = labels(params.base, params.component).items()
    return next((value for name, value in values if _sanitized(name) == named), params.base)


def _sanitized(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def window_s(document: Document) -> float:
    """Return the range, in seconds, in which even a seldom polled target shows its failures.

    That is four of the longest intervals and three of the longest waits between two attempts.
    """
    if not isinstance(document, PowerTarget):
        return max(_SHORTEST_WINDOW_S, 4 * seconds(document.spec.interval))
    spec = document.spec
    levels = [spec, *(valid_entries(spec.bmc) if spec.bmc else ())]
    intervals = [4 * seconds(one.interval) for one in levels if one.interval]
    backoffs = [3 * seconds(one.max_backoff) for one in levels if one.max_backoff]
    return max([_SHORTEST_WINDOW_S, *intervals, *backoffs])


def span(duration_s: float) -> str:
    """Write a duration for PromQL, in whole seconds or what is larger: `15m`, `90s`."""
    whole = max(1, round(duration_s))
    for unit, size in (("h", 3600), ("m", 60)):
        if whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"
