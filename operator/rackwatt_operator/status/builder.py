"""The status as it is written, and whether it has to be.

Nothing is written at rest. A condition that changes is written at once. Numbers follow at a pace of
their own (pace.py), and watts when they moved by a tenth: `kubectl get` is a dashboard, not a
series; that is Prometheus' (docs/decisions/0013-status-updates.md).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from rackwatt_crds.document import PowerTarget, SchedulerBinding
from rackwatt_crds.status import (
    LONGEST_MESSAGE,
    MOST_WORST,
    Condition,
    FailingTarget,
    NodeCounts,
    PowerTargetStatus,
    SchedulerBindingStatus,
    TargetCounts,
    kind_of,
    method_of,
    scheduler_of,
)
from rackwatt_operator.status.collector_status import CollectorStatus, Failing, Scheduler
from rackwatt_operator.status.conditions import (
    ConditionDraft,
    accepted,
    available,
    matched,
    monitored,
    ready,
    scraped,
)
from rackwatt_operator.status.inputs import StatusInputs

Status = Mapping[str, Any]

_CONTACT_EVERY = timedelta(minutes=10)
_MOVED = 0.1
_PLAIN = ("observedGeneration", "kind", "method")
_LONGEST_NODE = 255
_LONGEST_REASON = 64
_MOST_STATES = 64


def claims(found: StatusInputs) -> list[ConditionDraft]:
    """Make every claim there is."""
    made = [accepted(found), available(found), monitored(found), scraped(found)]
    return [*made, *matched(found), ready(found, made)]


def status(found: StatusInputs, before: Status, generation: int, now: datetime) -> dict[str, Any]:
    """Make the status; what was said before stays where it still holds well enough."""
    made = {
        "observedGeneration": generation,
        "conditions": _conditions(claims(found), before, generation, now),
    }
    return _settled(made | _numbers(found, now), before, now)


def urgent(before: Status, after: Status) -> bool:
    """Tell whether something changed that people and programs wait for."""
    return bool(_gist(before) != _gist(after))


def _gist(told: Status) -> Any:
    conditions = [
        (one["type"], one["status"], one["reason"], one.get("observedGeneration"))
        for one in told.get("conditions", ())
    ]
    return conditions, [told.get(key) for key in _PLAIN]


def _conditions(
    claims: Sequence[ConditionDraft], before: Status, generation: int, now: datetime
) -> list[dict[str, Any]]:
    former = {one["type"]: one for one in before.get("conditions", ())}
    made = []
    for claim in claims:
        was = former.get(claim.type, {})
        same = was.get("status") == claim.status
        condition = Condition(
            type=claim.type,
            status=claim.status,
            observed_generation=generation,
            last_transition_time=was["lastTransitionTime"] if same else _moment(now),
            reason=claim.reason[:_LONGEST_REASON],
            message=_clipped(claim.message),
        )
        made.append(msgspec.to_builtins(condition))
    return made


def _numbers(found: StatusInputs, now: datetime) -> dict[str, Any]:
    document, told = found.document, found.told
    if isinstance(document, PowerTarget):
        told_targets = told if told is not None and told.silent < told.asked else None
        made: Any = PowerTargetStatus(
            kind=kind_of(document.spec), method=method_of(document.spec), **_targets(told_targets)
        )
    elif isinstance(document, SchedulerBinding):
        scheduler = told.schedulers[0] if told is not None and told.schedulers else None
        made = SchedulerBindingStatus(
            scheduler=scheduler_of(document.spec), **_scheduler(scheduler, now)
        )
    else:
        return {}
    plain: dict[str, Any] = msgspec.to_builtins(made)
    return plain


def _targets(told: CollectorStatus | None) -> dict[str, Any]:
    if told is None:
        return {}
    return {
        "targets": TargetCounts(
            configured=told.configured, reachable=told.reachable, failing=told.failing
        ),
        "watts": None if told.watts is None else max(0, round(told.watts)),
        "failing_targets": [_failing(one) for one in told.failing_targets[:MOST_WORST]] or None,
    }


def _failing(one: Failing) -> FailingTarget:
    return FailingTarget(
        node=one.node[:_LONGEST_NODE],
        reason=(one.reason or "unknown")[:_LONGEST_REASON],
        message=_clipped(one.message or ""),
        watts=None if one.watts is None else max(0, round(one.watts)),
    )


def _scheduler(told: Scheduler | None, now: datetime) -> dict[str, Any]:
    if told is None:
        return {}
    states = dict(sorted(told.nodes.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_STATES])
    contact = None if told.age_s is None else _moment(now - timedelta(seconds=told.age_s))
    counts = NodeCounts(total=sum(told.nodes.values()), states=states or None)
    return {
        "nodes": counts if told.up else None,
        "version": told.version,
        "last_contact": contact,
    }


def _settled(after: dict[str, Any], before: Status, now: datetime) -> dict[str, Any]:
    """Keep what moved too little to be told again."""
    if "watts" in before and "watts" in after and _near(before["watts"], after["watts"]):
        after["watts"] = before["watts"]
    if "failingTargets" in before and _named(before) == _named(after):
        after["failingTargets"] = before["failingTargets"]
    if _still_in_contact(before, after, now):
        after["lastContact"] = before["lastContact"]
    return after


def _near(before: int, after: int) -> bool:
    return abs(after - before) < _MOVED * max(before, 1)


def _still_in_contact(before: Status, after: Status, now: datetime) -> bool:
    """Tell whether a scheduler answers as it did when that was last written, not long ago."""
    if not all(key in told for told in (before, after) for key in ("nodes", "lastContact")):
        return False
    return now - datetime.fromisoformat(before["lastContact"]) < _CONTACT_EVERY


def _named(told: Status) -> list[tuple[str, str]]:
    return [(one["node"], one["reason"]) for one in told.get("failingTargets", ())]


def _clipped(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
