"""Build the status of a resource, and decide whether it has to be written.

Nothing is written at rest. A changed condition is written at once. Numbers are throttled
(write_throttle.py), and watts are written when they changed by a tenth: `kubectl get` is a
dashboard; time series belong to Prometheus (docs/decisions/0013-status-updates.md).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from rackwatt_crds.document import PowerTarget, SchedulerBinding
from rackwatt_crds.status import (
    MAX_FAILING_TARGETS,
    MAX_MESSAGE_LENGTH,
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
    accounting_available,
    available,
    lustre_connected,
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


def build_conditions(inputs: StatusInputs) -> list[ConditionDraft]:
    """Build all conditions."""
    drafts = [accepted(inputs), available(inputs), monitored(inputs), scraped(inputs)]
    beside = [*matched(inputs), *lustre_connected(inputs), *accounting_available(inputs)]
    return [*drafts, *beside, ready(inputs, drafts)]


def build_status(
    inputs: StatusInputs, before: Status, generation: int, now: datetime
) -> dict[str, Any]:
    """Build the status; values that changed too little are taken from the one before."""
    built = {
        "observedGeneration": generation,
        "conditions": _conditions(build_conditions(inputs), before, generation, now),
    }
    return _keep_unchanged(built | _numbers(inputs, now), before, now)


def conditions_changed(before: Status, after: Status) -> bool:
    """Return whether a condition, the generation or a kind changed."""
    return bool(_outcome(before) != _outcome(after))


def _outcome(status: Status) -> Any:
    conditions = [
        (one["type"], one["status"], one["reason"], one.get("observedGeneration"))
        for one in status.get("conditions", ())
    ]
    return conditions, [status.get(key) for key in _PLAIN]


def _conditions(
    drafts: Sequence[ConditionDraft], before: Status, generation: int, now: datetime
) -> list[dict[str, Any]]:
    former = {one["type"]: one for one in before.get("conditions", ())}
    made = []
    for draft in drafts:
        was = former.get(draft.type, {})
        same = was.get("status") == draft.status
        condition = Condition(
            type=draft.type,
            status=draft.status,
            observed_generation=generation,
            last_transition_time=was["lastTransitionTime"] if same else _moment(now),
            reason=draft.reason[:_LONGEST_REASON],
            message=_clipped(draft.message),
        )
        made.append(msgspec.to_builtins(condition))
    return made


def _numbers(inputs: StatusInputs, now: datetime) -> dict[str, Any]:
    document, collectors = inputs.document, inputs.collectors
    if isinstance(document, PowerTarget):
        reachable = collectors is not None and collectors.unreachable < collectors.polled
        made: Any = PowerTargetStatus(
            kind=kind_of(document.spec),
            method=method_of(document.spec),
            **_targets(collectors if reachable else None),
        )
    elif isinstance(document, SchedulerBinding):
        scheduler = next(iter(collectors.schedulers if collectors else ()), None)
        made = SchedulerBindingStatus(
            scheduler=scheduler_of(document.spec), **_scheduler(scheduler, now)
        )
    else:
        return {}
    plain: dict[str, Any] = msgspec.to_builtins(made)
    return plain


def _targets(collectors: CollectorStatus | None) -> dict[str, Any]:
    if collectors is None:
        return {}
    return {
        "targets": TargetCounts(
            configured=collectors.configured,
            reachable=collectors.reachable,
            failing=collectors.failing,
        ),
        "watts": None if collectors.watts is None else max(0, round(collectors.watts)),
        "failing_targets": [
            _failing(one) for one in collectors.failing_targets[:MAX_FAILING_TARGETS]
        ]
        or None,
    }


def _failing(one: Failing) -> FailingTarget:
    return FailingTarget(
        node=one.node[:_LONGEST_NODE],
        reason=(one.reason or "unknown")[:_LONGEST_REASON],
        message=_clipped(one.message or ""),
        watts=None if one.watts is None else max(0, round(one.watts)),
    )


def _scheduler(scheduler: Scheduler | None, now: datetime) -> dict[str, Any]:
    if scheduler is None:
        return {}
    states = dict(
        sorted(scheduler.nodes.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_STATES]
    )
    contact = None if scheduler.age_s is None else _moment(now - timedelta(seconds=scheduler.age_s))
    counts = NodeCounts(total=sum(scheduler.nodes.values()), states=states or None)
    return {
        "nodes": counts if scheduler.up else None,
        "version": scheduler.version,
        "last_contact": contact,
    }


def _keep_unchanged(after: dict[str, Any], before: Status, now: datetime) -> dict[str, Any]:
    """Replace values that changed too little by the ones written before."""
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
    """Return whether a scheduler responds as it did when that was last written, recently."""
    if not all(key in one for one in (before, after) for key in ("nodes", "lastContact")):
        return False
    return now - datetime.fromisoformat(before["lastContact"]) < _CONTACT_EVERY


def _named(status: Status) -> list[tuple[str, str]]:
    return [(one["node"], one["reason"]) for one in status.get("failingTargets", ())]


def _clipped(message: str) -> str:
    return (
        message if len(message) <= MAX_MESSAGE_LENGTH else message[: MAX_MESSAGE_LENGTH - 1] + "…"
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
