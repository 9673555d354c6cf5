"""Ready: everything holds that can be known to, and something is measured."""

from collections.abc import Sequence

from rackwatt_crds.wording import counted
from rackwatt_operator.status.claim import Claim, Holds, listed
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.told import Scheduler, Told


def ready(found: Findings, claims: Sequence[Claim]) -> Claim:
    """Sum the other claims up, and what collectors tell."""
    for claim in claims:
        if claim.status == "False":
            return Claim("Ready", "False", claim.reason, claim.message)
    status, reason, message = _answers(found.told, found.is_binding)
    if status == "True" and found.paused:
        reason = "Paused"
    return Claim("Ready", status, reason, message)


def _answers(told: Told | None, is_binding: bool) -> tuple[Holds, str, str]:
    if told is None:
        return "Unknown", "NotAsked", "the collectors were not asked yet"
    if told.silent == told.asked:
        message = told.why_silent or (
            f"none of {told.asked} collectors answers the operator on port 9123: does a "
            "NetworkPolicy keep it out, or does the operator run outside the cluster?"
        )
        return "Unknown", "CollectorsSilent", message
    return _scheduler(told.schedulers) if is_binding else _targets(told)


def _scheduler(told: Sequence[Scheduler]) -> tuple[Holds, str, str]:
    for one in told:
        if one.reason is not None:
            return "False", _camel(one.reason), one.message or "the scheduler does not answer"
        if not one.up:
            return "Unknown", "NotAsked", "the scheduler is being asked"
    nodes = sum(sum(one.nodes.values()) for one in told)
    return "True", "Ready", f"it answers for {counted(nodes, 'node')}"


def _targets(told: Told) -> tuple[Holds, str, str]:
    if told.reachable or not told.configured:
        return "True", "Ready", f"{told.reachable} of {told.configured} targets answer"
    if not told.failing:
        return "Unknown", "NotAsked", f"{told.configured} targets are being asked"
    worst = [f"{one.node}: {one.message or one.reason}" for one in told.worst]
    message = f"none of {told.configured} targets answers: {listed(worst)}"
    return "False", "NoTargetAnswers", message


def _camel(reason: str) -> str:
    return "".join(word.title() for word in reason.split("_"))
