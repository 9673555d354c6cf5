"""Ready: everything holds that can be known to, and something is measured."""

from collections.abc import Sequence

from rackwatt_operator.status.claim import Claim, listed
from rackwatt_operator.status.findings import Findings


def ready(found: Findings, claims: Sequence[Claim]) -> Claim:
    """Sum the other claims up, and what collectors tell."""
    for claim in claims:
        if claim.status == "False":
            return Claim("Ready", "False", claim.reason, claim.message)
    told = found.told
    if told is None:
        return Claim("Ready", "Unknown", "NotAsked", "the collectors were not asked yet")
    if told.silent == told.asked:
        message = (
            f"none of {told.asked} collectors answers the operator on port 9123: does a "
            "NetworkPolicy keep it out, or does the operator run outside the cluster?"
        )
        return Claim("Ready", "Unknown", "CollectorsSilent", message)
    for scheduler in told.schedulers if found.is_binding else ():
        if not scheduler.up:
            reason = _camel(scheduler.reason or "not asked yet")
            return Claim("Ready", "False", reason, scheduler.message or "the scheduler is asked")
    if told.configured and not told.reachable:
        return _none_answers(found)
    return Claim("Ready", "True", "Paused" if found.paused else "Ready", _sum(found))


def _none_answers(found: Findings) -> Claim:
    told = found.told
    assert told is not None
    if not told.failing:
        return Claim("Ready", "Unknown", "NotAsked", f"{told.configured} targets are being asked")
    worst = [f"{one.node}: {one.message or one.reason}" for one in told.worst]
    message = f"none of {told.configured} targets answers: {listed(worst)}"
    return Claim("Ready", "False", "NoTargetAnswers", message)


def _sum(found: Findings) -> str:
    told = found.told
    assert told is not None
    if found.is_binding:
        nodes = sum(sum(one.nodes.values()) for one in told.schedulers)
        return f"the scheduler answers for {nodes} nodes"
    return f"{told.reachable} of {told.configured} targets answer"


def _camel(reason: str) -> str:
    return "".join(word.title() for word in reason.replace("_", " ").split())
