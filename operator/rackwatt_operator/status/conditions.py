"""The conditions of a resource: type, status, reason and message of each.

`Accepted`: the spec is valid, and all objects that it references exist. `Available`: the collectors
are running and ready. `Monitored`: the ServiceMonitor and the PrometheusRule exist. `Scraped`: the
collectors report scrapes; selectors show only whether a Prometheus is configured to scrape, and
scrapers without a Prometheus resource have none. `Matched`: the scheduler knows the measured nodes
by the names in the spec; power is measured either way, so `Ready` does not depend on it.
`LustreConnected`: Prometheus answers for `spec.lustre`, and the jobs are known; nodes have their
states either way. `AccountingAvailable`: the pod of `spec.accounting` is running and ready; nodes
have their states either way. `Ready` summarises the others.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rackwatt_crds.document import PowerTarget, SchedulerBinding
from rackwatt_crds.wording import counted
from rackwatt_operator.kube.resources import MONITORING
from rackwatt_operator.status.apply_error import ApplyError
from rackwatt_operator.status.collector_status import CollectorStatus, MissingSecret, Scheduler
from rackwatt_operator.status.inputs import StatusInputs
from rackwatt_operator.status.selection import Selection
from rackwatt_operator.status.workload import Workload

Holds = Literal["True", "False", "Unknown"]


class ConditionDraft(NamedTuple):
    """A condition without its times: the reason is for programs, the message for people."""

    type: str
    status: Holds
    reason: str
    message: str


def listed(words: Sequence[str], most: int = 3) -> str:
    """Return the first few of many sentences, joined, and the number of the rest."""
    more = f"; and {len(words) - most} more" if len(words) > most else ""
    return "; ".join(words[:most]) + more


def accepted(inputs: StatusInputs) -> ConditionDraft:
    """Return Accepted with the first problem, if there is one."""
    for reason, message in _not_accepted(inputs):
        return ConditionDraft("Accepted", "False", reason, message)
    if inputs.paused:
        message = "spec.paused: nothing is created, changed or deleted until it is false"
        return ConditionDraft("Accepted", "True", "Paused", message)
    return ConditionDraft("Accepted", "True", "Accepted", _acceptance(inputs))


def _acceptance(inputs: StatusInputs) -> str:
    """Return what is known: only collectors can check host entries and Secrets."""
    if inputs.collectors is not None and inputs.collectors.polled > inputs.collectors.unreachable:
        return "the spec is valid, and every object that it references exists"
    return (
        "the spec is valid; the collectors have not yet reported whether its entries and Secrets "
        "can be used"
    )


def _not_accepted(inputs: StatusInputs) -> Iterator[tuple[str, str]]:
    problems = [str(problem) for problem in inputs.problems]
    if inputs.document is None:
        yield "Invalid", f"{listed(problems)}. What was running before is left unchanged"
    if inputs.refused is not None:
        yield inputs.refused.reason, inputs.refused.message
    if problems:
        yield "PartlyInvalid", listed(problems)
    if inputs.missing:
        names = ", ".join(inputs.missing)
        yield (
            "BindingMissing",
            f"schedulerRef names SchedulerBinding {names}, which does not exist in this namespace: "
            "create it. Power is measured meanwhile, without node states",
        )
    if inputs.collectors is not None:
        if missing := inputs.collectors.secrets_missing:
            yield "SecretMissing", listed([_missing_secret(one) for one in missing])
        if inputs.collectors.problems:
            yield "PartlyInvalid", listed([_problem(one) for one in inputs.collectors.problems])


def _missing_secret(missing: MissingSecret) -> str:
    first = f", first {missing.first_reference}" if missing.first_reference else ""
    return (
        f"Secret {missing.secret} is missing or has no key {missing.key}: create it, or add the "
        f"key; no restart is needed (targets affected: {missing.affected_targets}{first})"
    )


def _problem(problem: str) -> str:
    """Return the problem without the path of the file in the pod."""
    _, separator, message = problem.partition(": ")
    return message if separator else problem


_MAX_AWAY = 10
"""One in so many collectors of a DaemonSet may be unready: some nodes of a cluster always are."""

_REFUSALS = (
    ("violates PodSecurity", "PodSecurity"),
    ("any security context constraint", "SecurityContextConstraint"),
)
"""Message of the admission controller that rejects pods, and the reason of the condition."""

_ADVICE = {
    "PodSecurity": "docs/operator.md#what-the-pods-may-do says which level is needed and why: ",
    "SecurityContextConstraint": "see docs/openshift.md: ",
    "FailedCreate": "pods are rejected (docs/operator-status.md#when-pods-are-refused): ",
}
"""Prefix with a link into the manual; first, because the API server's message may be long."""


def available(inputs: StatusInputs) -> ConditionDraft:
    """Return Available with what keeps the collectors from running."""
    errors = [one for one in inputs.apply_errors if one.child.name != inputs.accounting]
    return _running(inputs, "Available", "collectors", inputs.workloads_of_collectors, errors)


def accounting_available(inputs: StatusInputs) -> Iterator[ConditionDraft]:
    """Yield AccountingAvailable for a SchedulerBinding with accounting."""
    if inputs.accounting:
        workloads = [one for one in inputs.workloads if one.name.name == inputs.accounting]
        errors = [one for one in inputs.apply_errors if one.child.name == inputs.accounting]
        yield _running(inputs, "AccountingAvailable", "pods of accounting", workloads, errors)


def _running(
    inputs: StatusInputs,
    kind: str,
    pods: str,
    workloads: Sequence[Workload],
    errors: Sequence[ApplyError],
) -> ConditionDraft:
    """Return a condition of workloads; `pods` is what theirs are, for people."""
    for reason, message in _not_running(inputs, pods, workloads, errors):
        return ConditionDraft(kind, "False", reason, message)
    wanted = sum(one.wanted for one in workloads)
    ready = sum(one.ready for one in workloads)
    message = f"{ready} of {wanted} {pods} are ready"
    if _are_ready(workloads):
        return ConditionDraft(kind, "True", "Available", message)
    return ConditionDraft(kind, "False", "RolloutInProgress", message + _unready(workloads))


def _not_running(
    inputs: StatusInputs, pods: str, workloads: Sequence[Workload], errors: Sequence[ApplyError]
) -> Iterator[tuple[str, str]]:
    troubles = [one for one in errors if one.child.kind not in MONITORING_KINDS]
    if troubles:
        yield troubles[0].reason, listed([one.message for one in troubles])
    if not workloads:
        refused = inputs.refused is not None or inputs.document is None
        message = "the spec is invalid" if refused else f"there are no {pods} yet"
        yield ("Paused" if inputs.paused else "InvalidSpec" if refused else "NotCreated"), message
    if failing := [one for one in workloads if one.reason]:
        messages = list(dict.fromkeys(one.message for one in failing))
        reason = _workload_reason(failing[0])
        yield reason, _ADVICE.get(reason, "") + listed(messages)
    for one in workloads:
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
    """Return whether the rollout of the current generation is complete."""
    return all(one.current and one.ready >= one.wanted - _may_be_away(one) for one in workloads)


def _may_be_away(one: Workload) -> int:
    return one.wanted // _MAX_AWAY if one.name.kind == "DaemonSet" else 0


def _unready(workloads: Sequence[Workload]) -> str:
    away = [one.name.name for one in workloads if one.ready < one.wanted]
    if not away:
        return ": a change is being rolled out"
    names = listed([f"those of {name} are not" for name in away])
    return f"; {names}: if it lasts, kubectl describe of the pods shows why"


MONITORING_KINDS = frozenset({"ServiceMonitor", "PrometheusRule"})


def monitored(inputs: StatusInputs) -> ConditionDraft:
    """Return Monitored with what keeps a Prometheus from finding the collectors."""
    troubles = [one for one in inputs.apply_errors if one.child.kind in MONITORING_KINDS]
    if troubles:
        message = listed([one.message for one in troubles])
        return ConditionDraft("Monitored", "False", troubles[0].reason, message)
    if "ServiceMonitor" not in inputs.monitoring:
        message = (
            f"the cluster has no ServiceMonitor ({MONITORING}): install Prometheus Operator, which "
            "the operator detects; or scrape the Service by other means"
        )
        return ConditionDraft("Monitored", "Unknown", "MonitoringCRDsMissing", message)
    if not inputs.kinds:
        return ConditionDraft("Monitored", "Unknown", "InvalidSpec", "the spec is invalid")
    if "ServiceMonitor" not in inputs.kinds:
        message = "monitoring.serviceMonitor.enabled is false: scrape the Service by other means"
        return ConditionDraft("Monitored", "Unknown", "Disabled", message)
    if inputs.selection is None:
        reason = "Paused" if inputs.paused else "NotCreated"
        return ConditionDraft("Monitored", "False", reason, "there is no ServiceMonitor yet")
    created = f"{' and '.join(sorted(inputs.kinds & MONITORING_KINDS))} created"
    rules = inputs.rules
    if rules is not None and rules.seen and not rules.taken_by:
        message = (
            f"{created}; but no Prometheus selects the PrometheusRule, so there are no alerts and "
            f"the dashboard's sums are empty: {rules.rejected or listed(rules.wanting)}. Labels of "
            "the PrometheusRule: spec.monitoring.rules.labels, or the chart's defaults. The "
            "operator does not know whether a ThanosRuler selects it"
        )
        return ConditionDraft("Monitored", "True", "RulesNotSelected", message)
    return ConditionDraft("Monitored", "True", "Monitored", created)


_TARGETS_PAGE = "see the targets page of Prometheus"


def scraped(inputs: StatusInputs) -> ConditionDraft:
    """Return Scraped with the labels that each Prometheus requires, or what cannot be known."""
    collectors = inputs.collectors
    if collectors is not None and collectors.scraped:
        message = f"by {listed(collectors.scrapers)}{_scraped_part(collectors)}"
        return ConditionDraft("Scraped", "True", "Scraped", message)
    condition = monitored(inputs)
    if condition.status != "True" or inputs.selection is None:
        message = "there is no ServiceMonitor for a Prometheus to select"
        return ConditionDraft("Scraped", "Unknown", condition.reason, message)
    return _by_selection(inputs.selection, collectors)


def _by_selection(selection: Selection, collectors: CollectorStatus | None) -> ConditionDraft:
    if selection.taken_by:
        takers = listed(selection.taken_by)
        message = f"{takers} selects the ServiceMonitor; {_no_scrape(collectors)}"
        return ConditionDraft("Scraped", "Unknown", "Selected", message)
    if selection.rejected:
        return ConditionDraft("Scraped", "False", "Rejected", selection.rejected)
    if not selection.seen:
        message = (
            "the operator sees no Prometheus or PrometheusAgent resource. One in a namespace that "
            "it does not watch, VictoriaMetrics, Grafana Alloy or a Prometheus configured by hand "
            f"may scrape the collectors nevertheless; {_no_scrape(collectors)}"
        )
        return ConditionDraft("Scraped", "Unknown", "NoPrometheus", message)
    message = (
        f"{listed(selection.wanting)}. Labels of the ServiceMonitor: "
        "spec.monitoring.serviceMonitor.labels, or the chart's defaults"
    )
    return ConditionDraft("Scraped", "False", "NotSelected", message)


def _scraped_part(collectors: CollectorStatus) -> str:
    """Return how many are scraped, where not all are: one that has just started is not yet."""
    if collectors.scraped >= collectors.polled:
        return ""
    return f" ({collectors.scraped} of {collectors.polled} collectors)"


def _no_scrape(collectors: CollectorStatus | None) -> str:
    """Return why no scrape is known, as far as the operator can see."""
    if collectors is None or collectors.unreachable >= collectors.polled:
        return f"no collector reports to the operator whether it is scraped; {_TARGETS_PAGE}"
    return (
        "the collectors have not been scraped for 10 minutes, or since they started. The next "
        "scrape may not be due yet, or a NetworkPolicy, TLS or a password may block port 9123; "
        + _TARGETS_PAGE
    )


def matched(inputs: StatusInputs) -> Iterator[ConditionDraft]:
    """Yield Matched for a PowerTarget whose collectors compared node names with a scheduler's."""
    if not isinstance(inputs.document, PowerTarget) or inputs.collectors is None:
        return
    compared = [one for one in inputs.collectors.schedulers if one.unmatched is not None]
    mismatched = [one for one in compared if one.unmatched and one.unmatched.targets]
    if mismatched:
        message = listed([_unmatched(one) for one in mismatched])
        yield ConditionDraft("Matched", "False", "NamesUnmatched", message)
    elif compared:
        yield ConditionDraft(
            "Matched", "True", "Matched", "the scheduler knows every node by its name"
        )


def _unmatched(scheduler: Scheduler) -> str:
    unmatched = scheduler.unmatched
    assert unmatched is not None  # noqa: S101 - the caller filters by it
    ours, theirs = (
        listed([name[:100] for name in names])
        for names in (unmatched.first_targets, unmatched.first_nodes)
    )
    has = f", and has {theirs} that no target is" if theirs else ""
    return (
        f"scheduler {scheduler.name} does not know {unmatched.targets} nodes: {ours}{has}; "
        "see nodeName of the SchedulerBinding; what is no node of it, such as a PDU, has "
        "`type: core`"
    )


def lustre_connected(inputs: StatusInputs) -> Iterator[ConditionDraft]:
    """Yield LustreConnected for a SchedulerBinding with `spec.lustre`."""
    document = inputs.document
    if not isinstance(document, SchedulerBinding) or document.spec.lustre is None:
        return
    known = inputs.collectors.lustre if inputs.collectors is not None else ()
    failed = next((one for one in known if one.reason is not None), None)
    if failed is not None and failed.reason is not None:
        message = failed.message or "Prometheus does not answer"
        yield ConditionDraft("LustreConnected", "False", _camel(failed.reason), message)
    elif known and all(one.up for one in known):
        message = "Prometheus answers, and I/O is joined with the scheduler's jobs"
        yield ConditionDraft("LustreConnected", "True", "Connected", message)
    else:
        message = "no collector has reported an answer of Prometheus yet"
        yield ConditionDraft("LustreConnected", "Unknown", "Pending", message)


def ready(inputs: StatusInputs, others: Sequence[ConditionDraft]) -> ConditionDraft:
    """Return Ready: the first condition that is False, else what the collectors report."""
    for other in others:
        if other.status == "False":
            return ConditionDraft("Ready", "False", other.reason, other.message)
    status, reason, message = _measuring(inputs.collectors, inputs.is_binding)
    if status == "True" and inputs.paused:
        reason = "Paused"
    return ConditionDraft("Ready", status, reason, message)


def _measuring(collectors: CollectorStatus | None, is_binding: bool) -> tuple[Holds, str, str]:
    if collectors is None:
        return "Unknown", "Pending", "the collectors were not polled yet"
    if collectors.unreachable == collectors.polled:
        message = collectors.unreachable_reason or (
            f"none of {collectors.polled} collectors responds to the operator on port 9123: does a "
            "NetworkPolicy block it, or does the operator run outside the cluster?"
        )
        return "Unknown", "CollectorsUnreachable", message
    return _scheduler_ready(collectors.schedulers) if is_binding else _targets_ready(collectors)


def _scheduler_ready(schedulers: Sequence[Scheduler]) -> tuple[Holds, str, str]:
    for one in schedulers:
        if one.reason is not None:
            return "False", _camel(one.reason), one.message or "the scheduler does not respond"
        if not one.up:
            return "Unknown", "Pending", "the scheduler was not polled yet"
    nodes = sum(sum(one.nodes.values()) for one in schedulers)
    return "True", "Ready", f"the scheduler reports {counted(nodes, 'node')}"


def _targets_ready(collectors: CollectorStatus) -> tuple[Holds, str, str]:
    if collectors.reachable or not collectors.configured:
        return "True", "Ready", f"{collectors.reachable} of {collectors.configured} targets respond"
    if not collectors.failing:
        return "Unknown", "Pending", f"{collectors.configured} targets were not polled yet"
    worst = [f"{one.node}: {one.message or one.reason}" for one in collectors.failing_targets]
    message = f"none of {collectors.configured} targets responds: {listed(worst)}"
    return "False", "NoTargetsReachable", message


def _camel(reason: str) -> str:
    return "".join(word.title() for word in reason.split("_"))
