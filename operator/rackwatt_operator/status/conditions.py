"""The conditions of a document: what each claims, whether it holds, and why.

`Accepted`: the document can be carried out as it is written, and all that it names is there.
`Available`: the collectors are there, and run. `Monitored`: what Prometheus Operator needs to know
of them is there. `Scraped`: they are scraped, as they report themselves: selectors show only
whether a Prometheus is configured to, and scrapers without a Prometheus resource have none.
`Matched`: the scheduler knows the nodes that are measured by the names that documents give them;
power is measured either way, so `Ready` does not depend on it. `Ready` sums up.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rackwatt_crds.document import PowerTarget
from rackwatt_crds.wording import counted
from rackwatt_operator.kube.resources import MONITORING
from rackwatt_operator.status.collector_status import CollectorStatus, MissingSecret, Scheduler
from rackwatt_operator.status.inputs import StatusInputs
from rackwatt_operator.status.selection import Selection
from rackwatt_operator.status.workload import Workload

Holds = Literal["True", "False", "Unknown"]


class ConditionDraft(NamedTuple):
    """One claim; the reason is for programs, the message says what a person can do."""

    type: str
    status: Holds
    reason: str
    message: str


def listed(words: Sequence[str], most: int = 3) -> str:
    """Join the first few of many sentences."""
    more = f"; and {len(words) - most} more" if len(words) > most else ""
    return "; ".join(words[:most]) + more


def accepted(found: StatusInputs) -> ConditionDraft:
    """Claim it, or tell the first thing that is wrong."""
    for reason, message in _not_accepted(found):
        return ConditionDraft("Accepted", "False", reason, message)
    if found.paused:
        told = "spec.paused: nothing is made, changed or removed until it is false"
        return ConditionDraft("Accepted", "True", "Paused", told)
    return ConditionDraft("Accepted", "True", "Accepted", _acceptance(found))


def _acceptance(found: StatusInputs) -> str:
    """Say no more than is known: without an answer nobody has looked at hosts and Secrets."""
    if found.told is not None and found.told.asked > found.told.silent:
        return "the document is valid, and all it names is there"
    return (
        "the document is valid as far as the operator sees; whether its entries and Secrets can be "
        "used, its collectors will tell"
    )


def _not_accepted(found: StatusInputs) -> Iterator[tuple[str, str]]:
    problems = [str(problem) for problem in found.problems]
    if found.document is None:
        yield "Invalid", f"{listed(problems)}. What ran before goes on unchanged"
    if found.refused is not None:
        yield found.refused.reason, found.refused.message
    if problems:
        yield "PartlyInvalid", listed(problems)
    if found.missing:
        names = ", ".join(found.missing)
        yield (
            "BindingMissing",
            f"schedulerRef names SchedulerBinding {names}, which is not in this namespace: create "
            "it. Power is measured all the same, without node states",
        )
    if found.told is not None:
        if missing := found.told.secrets_missing:
            yield "SecretMissing", listed([_missing_secret(one) for one in missing])
        if found.told.problems:
            yield "PartlyInvalid", listed([_problem(problem) for problem in found.told.problems])


def _missing_secret(missing: MissingSecret) -> str:
    first = f", first {missing.first_reference}" if missing.first_reference else ""
    return (
        f"Secret {missing.secret} is missing or has no key {missing.key}: create it, or add the "
        f"key; no restart is needed (wanted by {missing.affected_targets}{first})"
    )


def _problem(problem: str) -> str:
    """Leave out the path of the file in the pod: people know the document."""
    _, found, told = problem.partition(": ")
    return told if found else problem


_MAX_AWAY = 10
"""One collector in so many may be away where there is one on each node: some nodes always are."""

_REFUSALS = (
    ("violates PodSecurity", "PodSecurity"),
    ("any security context constraint", "SecurityContextConstraint"),
)
"""What an admission controller says of pods it refuses, and the reason that is told."""

_ADVICE = {
    "PodSecurity": "docs/operator.md#what-the-pods-may-do says which level is needed and why: ",
    "SecurityContextConstraint": "docs/openshift.md says what to do: ",
    "FailedCreate": "pods are refused (docs/operator-status.md#when-pods-are-refused): ",
}
"""Where the manual says more; first, since the API server's words may be long."""


def available(found: StatusInputs) -> ConditionDraft:
    """Claim it, or tell what keeps collectors from running."""
    for reason, message in _not_available(found):
        return ConditionDraft("Available", "False", reason, message)
    wanted = sum(one.wanted for one in found.workloads)
    ready = sum(one.ready for one in found.workloads)
    told = f"{ready} of {wanted} collectors are ready"
    if _are_ready(found.workloads):
        return ConditionDraft("Available", "True", "Available", told)
    return ConditionDraft(
        "Available", "False", "RolloutInProgress", told + _unready(found.workloads)
    )


def _not_available(found: StatusInputs) -> Iterator[tuple[str, str]]:
    troubles = [one for one in found.troubles if one.child.kind not in MONITORING_KINDS]
    if troubles:
        yield troubles[0].reason, listed([one.message for one in troubles])
    if not found.workloads:
        refused = found.refused is not None or found.document is None
        told = "the document cannot be carried out" if refused else "there are no collectors yet"
        yield ("Paused" if found.paused else "InvalidSpec" if refused else "NotCreated"), told
    if failing := [one for one in found.workloads if one.reason]:
        messages = list(dict.fromkeys(one.message for one in failing))
        reason = _workload_reason(failing[0])
        yield reason, _ADVICE.get(reason, "") + listed(messages)
    for one in found.workloads:
        if one.current and not one.wanted:
            yield (
                "NoNodes",
                f"{one.name.kind} {one.name.name} has no node to run on: nothing matches "
                "spec.pod.nodeSelector and affinity, or every such node has a taint that "
                "spec.pod.tolerations does not name",
            )


def _workload_reason(one: Workload) -> str:
    return next((reason for words, reason in _REFUSALS if words in one.message), one.reason)


def _are_ready(workloads: Sequence[Workload]) -> bool:
    """Tell whether what is wanted now is there, and not what was wanted before."""
    return all(one.current and one.ready >= one.wanted - _may_be_away(one) for one in workloads)


def _may_be_away(one: Workload) -> int:
    return one.wanted // _MAX_AWAY if one.name.kind == "DaemonSet" else 0


def _unready(workloads: Sequence[Workload]) -> str:
    away = [one.name.name for one in workloads if one.ready < one.wanted]
    if not away:
        return ": a change is being rolled out"
    return f", not those of {', '.join(away[:3])}: kubectl describe tells why, where it lasts"


MONITORING_KINDS = frozenset({"ServiceMonitor", "PrometheusRule"})


def monitored(found: StatusInputs) -> ConditionDraft:
    """Claim it, or tell what is in the way."""
    troubles = [one for one in found.troubles if one.child.kind in MONITORING_KINDS]
    if troubles:
        message = listed([one.message for one in troubles])
        return ConditionDraft("Monitored", "False", troubles[0].reason, message)
    if "ServiceMonitor" not in found.monitoring:
        told = (
            f"the cluster has no ServiceMonitor ({MONITORING}): install Prometheus Operator, "
            "and it will be noticed; or scrape the Service by other means"
        )
        return ConditionDraft("Monitored", "Unknown", "MonitoringCRDsMissing", told)
    if not found.kinds:
        return ConditionDraft(
            "Monitored", "Unknown", "InvalidSpec", "the document cannot be carried out"
        )
    if "ServiceMonitor" not in found.kinds:
        told = "monitoring.serviceMonitor.enabled is false: scrape the Service by other means"
        return ConditionDraft("Monitored", "Unknown", "Disabled", told)
    if found.selection is None:
        reason = "Paused" if found.paused else "NotCreated"
        return ConditionDraft("Monitored", "False", reason, "no ServiceMonitor is to be seen yet")
    made = f"{' and '.join(sorted(found.kinds & MONITORING_KINDS))} made"
    rules = found.rules
    if rules is not None and rules.seen and not rules.taken_by:
        message = (
            f"{made}; but no Prometheus takes the PrometheusRule, so there are no alerts and the "
            f"dashboard's sums stay empty: {rules.rejected or listed(rules.wanting)}. Its labels: "
            "spec.monitoring.rules.labels, or the chart's defaults. Whether a ThanosRuler takes it "
            "is not known here"
        )
        return ConditionDraft("Monitored", "True", "RulesNotSelected", message)
    return ConditionDraft("Monitored", "True", "Monitored", made)


_TARGETS_PAGE = "its page of targets shows more"


def scraped(found: StatusInputs) -> ConditionDraft:
    """Claim it, or say what each Prometheus would want, or what cannot be known from here."""
    told = found.told
    if told is not None and told.scraped:
        return ConditionDraft(
            "Scraped", "True", "Scraped", f"by {listed(told.scrapers)}{_scraped_part(told)}"
        )
    made = monitored(found)
    if made.status != "True" or found.selection is None:
        message = "there is no ServiceMonitor for a Prometheus to take"
        return ConditionDraft("Scraped", "Unknown", made.reason, message)
    return _by_selection(found.selection, told)


def _by_selection(selection: Selection, told: CollectorStatus | None) -> ConditionDraft:
    if selection.taken_by:
        message = f"{listed(selection.taken_by)} selects the ServiceMonitor; {_no_scrape(told)}"
        return ConditionDraft("Scraped", "Unknown", "Selected", message)
    if selection.rejected:
        return ConditionDraft("Scraped", "False", "Rejected", selection.rejected)
    if not selection.seen:
        message = (
            "the operator sees no Prometheus or PrometheusAgent resource. One in a namespace that "
            "it does not watch, VictoriaMetrics, Grafana Alloy or a Prometheus configured by hand "
            f"may scrape the collectors all the same; {_no_scrape(told)}"
        )
        return ConditionDraft("Scraped", "Unknown", "NoPrometheus", message)
    message = (
        f"{listed(selection.wanting)}. Labels of the ServiceMonitor: "
        "spec.monitoring.serviceMonitor.labels, or the chart's defaults"
    )
    return ConditionDraft("Scraped", "False", "NotSelected", message)


def _scraped_part(told: CollectorStatus) -> str:
    """Say how many are scraped, where not all are: one that has just started is not yet."""
    return "" if told.scraped >= told.asked else f" ({told.scraped} of {told.asked} collectors)"


def _no_scrape(told: CollectorStatus | None) -> str:
    """Say why no scrape is known, as far as that is."""
    if told is None or told.silent >= told.asked:
        return f"no collector reports to the operator whether it is scraped; {_TARGETS_PAGE}"
    return (
        "the collectors have seen no scrape for 10 minutes, or since they started. The next one "
        "may be due yet, or a NetworkPolicy, TLS or a password may keep it from port 9123; "
        + _TARGETS_PAGE
    )


def matched(found: StatusInputs) -> Iterator[ConditionDraft]:
    """Claim it of a PowerTarget whose collectors compared names with those of a scheduler."""
    if not isinstance(found.document, PowerTarget) or found.told is None:
        return
    compared = [one for one in found.told.schedulers if one.unmatched is not None]
    strangers = [one for one in compared if one.unmatched and one.unmatched.targets]
    if strangers:
        message = listed([_unmatched(one) for one in strangers])
        yield ConditionDraft("Matched", "False", "NamesUnmatched", message)
    elif compared:
        yield ConditionDraft(
            "Matched", "True", "Matched", "the scheduler knows every node by its name"
        )


def _unmatched(scheduler: Scheduler) -> str:
    unmatched = scheduler.unmatched
    assert unmatched is not None  # noqa: S101 - the caller has chosen by it
    ours, theirs = (
        listed([name[:100] for name in names])
        for names in (unmatched.first_targets, unmatched.first_nodes)
    )
    has = f", and has {theirs} that no target is" if theirs else ""
    return (
        f"scheduler {scheduler.name} does not know {unmatched.targets} nodes: {ours}{has}; "
        "see nodeName of the SchedulerBinding"
    )


def ready(found: StatusInputs, claims: Sequence[ConditionDraft]) -> ConditionDraft:
    """Sum the other claims up, and what collectors tell."""
    for claim in claims:
        if claim.status == "False":
            return ConditionDraft("Ready", "False", claim.reason, claim.message)
    status, reason, message = _measuring(found.told, found.is_binding)
    if status == "True" and found.paused:
        reason = "Paused"
    return ConditionDraft("Ready", status, reason, message)


def _measuring(told: CollectorStatus | None, is_binding: bool) -> tuple[Holds, str, str]:
    if told is None:
        return "Unknown", "Pending", "the collectors were not asked yet"
    if told.silent == told.asked:
        message = told.why_silent or (
            f"none of {told.asked} collectors answers the operator on port 9123: does a "
            "NetworkPolicy keep it out, or does the operator run outside the cluster?"
        )
        return "Unknown", "CollectorsUnreachable", message
    return _scheduler_ready(told.schedulers) if is_binding else _targets_ready(told)


def _scheduler_ready(told: Sequence[Scheduler]) -> tuple[Holds, str, str]:
    for one in told:
        if one.reason is not None:
            return "False", _camel(one.reason), one.message or "the scheduler does not answer"
        if not one.up:
            return "Unknown", "Pending", "the scheduler is being asked"
    nodes = sum(sum(one.nodes.values()) for one in told)
    return "True", "Ready", f"it answers for {counted(nodes, 'node')}"


def _targets_ready(told: CollectorStatus) -> tuple[Holds, str, str]:
    if told.reachable or not told.configured:
        return "True", "Ready", f"{told.reachable} of {told.configured} targets answer"
    if not told.failing:
        return "Unknown", "Pending", f"{told.configured} targets are being asked"
    worst = [f"{one.node}: {one.message or one.reason}" for one in told.failing_targets]
    message = f"none of {told.configured} targets answers: {listed(worst)}"
    return "False", "NoTargetsReachable", message


def _camel(reason: str) -> str:
    return "".join(word.title() for word in reason.split("_"))
