"""Alerts on the collectors themselves: absent, late, or with an invalid configuration."""

from collections.abc import Iterator

from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select
from rackwatt_operator.manifests.rules.rule import Alert


def collector_alerts(params: Params) -> Iterator[Alert]:
    """Watch over the collectors of any document."""
    yield from _on_nodes(params) if params.component == "node" else _deployed(params)
    problems = select(params, "rackwatt_document_problems")
    yield Alert(
        name="RackwattDocumentProblems",
        expression=f"max by ({JOB}) ({problems}) > 0",
        for_="5m",
        severity="warning",
        summary=f"{params.kind} {params.name} has problems",
        description="Its collectors could not use {{ $value }} parts of the document; what they "
        "could use is measured.",
        runbook="The collector's /status and log have each problem with its path; "
        "`rackwatt-operator check` reports them before the resource is applied.",
    )
    lag = select(params, "rackwatt_event_loop_lag_seconds")
    yield Alert(
        name="RackwattCollectorLate",
        expression=f"{lag} > 1",
        for_="10m",
        severity="warning",
        summary="A collector of {{ $labels.job }} is too slow",
        description="Its event loop lags by {{ $value | humanizeDuration }}: readings come less "
        "often than the document says.",
        runbook="Give it more CPU, a longer interval, or the fleet more shards.",
    )


def _deployed(params: Params) -> Iterator[Alert]:
    up = select(params, "up")
    yield Alert(
        name="RackwattCollectorAbsent",
        expression=f"(count({up} == 1) or vector(0)) < {params.shards}",
        for_="5m",
        severity="critical",
        summary=f"Collectors of {params.kind} {params.name} are absent",
        description=f"{{{{ $value }}}} of {params.shards} collectors respond to Prometheus: the "
        "targets of the others are not measured.",
        runbook=f"kubectl --namespace={params.namespace} describe the pods of {params.base}, and "
        "the conditions of the document.",
    )


def _on_nodes(params: Params) -> Iterator[Alert]:
    up = select(params, "up")
    yield Alert(
        name="RackwattCollectorAbsent",
        expression=f"absent({up})",
        for_="5m",
        severity="critical",
        summary=f"No node has a collector of PowerTarget {params.name}",
        description="Prometheus knows none of its collectors: no node is measured.",
        runbook=f"kubectl --namespace={params.namespace} describe daemonset {params.base}: does "
        "the selector match a node, does the namespace's Pod Security level admit the pods?",
    )
    yield Alert(
        name="RackwattCollectorDown",
        expression=f"{up} == 0",
        for_="5m",
        severity="warning",
        summary="Node {{ $labels.instance }} is not measured",
        description="Its collector does not respond to Prometheus.",
        runbook="Look at the pod of that node, and at the node.",
    )
