"""Alerts on the collectors themselves: there, in time, and content with their documents."""

from collections.abc import Iterator

from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select
from rackwatt_operator.manifests.rules.rule import Alert


def collector_alerts(subject: Params) -> Iterator[Alert]:
    """Watch over the collectors of any document."""
    yield from _on_nodes(subject) if subject.component == "node" else _deployed(subject)
    problems = select(subject, "rackwatt_document_problems")
    yield Alert(
        name="RackwattDocumentProblems",
        expression=f"max by ({JOB}) ({problems}) > 0",
        lasting="5m",
        severity="warning",
        summary=f"{subject.kind} {subject.name} has problems",
        description="Its collectors could not use {{ $value }} parts of the document; what they "
        "could use is measured.",
        runbook="The collector's /status and log tell each problem with its path; "
        "`rackwatt-operator check` tells them before a document is applied.",
    )
    lag = select(subject, "rackwatt_event_loop_lag_seconds")
    yield Alert(
        name="RackwattCollectorLate",
        expression=f"{lag} > 1",
        lasting="10m",
        severity="warning",
        summary="A collector of {{ $labels.job }} cannot keep pace",
        description="Its clockwork is {{ $value | humanizeDuration }} late: readings come less "
        "often than the document says.",
        runbook="Give it more CPU, a longer interval, or the fleet more shards.",
    )


def _deployed(subject: Params) -> Iterator[Alert]:
    up = select(subject, "up")
    yield Alert(
        name="RackwattCollectorAbsent",
        expression=f"(count({up} == 1) or vector(0)) < {subject.shards}",
        lasting="5m",
        severity="critical",
        summary=f"Collectors of {subject.kind} {subject.name} are absent",
        description=f"{{{{ $value }}}} of {subject.shards} collectors answer Prometheus: what the "
        "others measure is not seen.",
        runbook=f"kubectl --namespace={subject.namespace} describe the pods of {subject.base}, and "
        "the conditions of the document.",
    )


def _on_nodes(subject: Params) -> Iterator[Alert]:
    up = select(subject, "up")
    yield Alert(
        name="RackwattCollectorAbsent",
        expression=f"absent({up})",
        lasting="5m",
        severity="critical",
        summary=f"No node has a collector of PowerTarget {subject.name}",
        description="Prometheus knows none of its collectors: no node is measured.",
        runbook=f"kubectl --namespace={subject.namespace} describe daemonset {subject.base}: does "
        "the selector match a node, does the namespace's Pod Security level let the pods in?",
    )
    yield Alert(
        name="RackwattCollectorDown",
        expression=f"{up} == 0",
        lasting="5m",
        severity="warning",
        summary="Node {{ $labels.instance }} is not measured",
        description="Its collector does not answer Prometheus.",
        runbook="Look at the pod of that node, and at the node.",
    )
