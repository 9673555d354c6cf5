"""Available: the collectors are there, and run."""

from collections.abc import Iterator, Sequence

from rackwatt_operator.status.claim import Claim, listed
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.monitored import MONITORING_KINDS
from rackwatt_operator.status.workload import Workload

_AWAY = 10
"""One collector in so many may be away where there is one on each node: some nodes always are."""

_REFUSALS = (
    ("violates PodSecurity", "PodSecurity"),
    ("any security context constraint", "SecurityContextConstraint"),
)
"""What an admission controller says of pods it refuses, and the reason that is told."""

_ADVICE = {
    "PodSecurity": "docs/operator.md#what-the-pods-may-do says which level is needed and why: ",
    "SecurityContextConstraint": "docs/openshift.md says what to do: ",
    "FailedCreate": "pods are refused (docs/operator.md#when-pods-are-refused): ",
}
"""Where the manual says more; first, since the API server's words may be long."""


def available(found: Findings) -> Claim:
    """Claim it, or tell what keeps collectors from running."""
    for reason, message in _wrong(found):
        return Claim("Available", "False", reason, message)
    wanted = sum(one.wanted for one in found.workloads)
    ready = sum(one.ready for one in found.workloads)
    told = f"{ready} of {wanted} collectors are ready"
    if _enough(found.workloads):
        return Claim("Available", "True", "Available", told)
    return Claim("Available", "False", "RolloutInProgress", told + _look(found.workloads))


def _wrong(found: Findings) -> Iterator[tuple[str, str]]:
    troubles = [one for one in found.troubles if one.child.kind not in MONITORING_KINDS]
    if troubles:
        yield troubles[0].reason, listed([one.message for one in troubles])
    if not found.workloads:
        refused = found.refused is not None or found.document is None
        told = "the document cannot be carried out" if refused else "there are no collectors yet"
        yield ("Paused" if found.paused else "NotPlanned" if refused else "NotMade"), told
    if failing := [one for one in found.workloads if one.reason]:
        messages = list(dict.fromkeys(one.message for one in failing))
        reason = _reason(failing[0])
        yield reason, _ADVICE.get(reason, "") + listed(messages)
    for one in found.workloads:
        if one.current and not one.wanted:
            yield (
                "NoNodes",
                f"{one.name.kind} {one.name.name} has no node to run on: nothing matches "
                "spec.pod.nodeSelector and affinity, or every such node has a taint that "
                "spec.pod.tolerations does not name",
            )


def _reason(one: Workload) -> str:
    return next((reason for words, reason in _REFUSALS if words in one.message), one.reason)


def _enough(workloads: Sequence[Workload]) -> bool:
    """Tell whether what is wanted now is there, and not what was wanted before."""
    return all(
        one.current
        and one.ready >= one.wanted - (one.wanted // _AWAY if one.name.kind == "DaemonSet" else 0)
        for one in workloads
    )


def _look(workloads: Sequence[Workload]) -> str:
    away = [one.name.name for one in workloads if one.ready < one.wanted]
    if not away:
        return ": a change is being rolled out"
    return f", not those of {', '.join(away[:3])}: kubectl describe tells why, where it lasts"
