"""Alerts on schedulers, for the collector that asks one and for those that ask that collector."""

from collections.abc import Iterator

from rackwatt_crds.duration import seconds
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select, span, window_s
from rackwatt_operator.manifests.rules.rule import Alert


def scheduler_alerts(subject: Params) -> Iterator[Alert]:
    """Watch over the scheduler that a binding's collector asks."""
    lasting = span(window_s(subject.document) / 3)
    yield Alert(
        name="RackwattSchedulerDown",
        expression=f"{select(subject, 'rackwatt_scheduler_up')} == 0",
        lasting=lasting,
        severity="warning",
        summary="Scheduler {{ $labels.scheduler }} does not answer",
        description=f"It has not told the states of the nodes of cluster {{{{ $labels.cluster }}}} "
        f"for {lasting}.",
        runbook="The collector's /status has the reason and what to do.",
    )


def states_alerts(subject: Params, name: str, spec: SchedulerBindingSpec) -> Iterator[Alert]:
    """Watch over the age of node states, for whichever collector serves them."""
    interval_s = seconds(spec.interval)
    stale_s = seconds(spec.stale_after) if spec.stale_after else 3 * interval_s
    age = select(subject, "rackwatt_scheduler_answer_age_seconds", f'scheduler="{name}"')
    yield Alert(
        name="RackwattSchedulerStatesStale",
        expression=f"{age} > {stale_s:g}",
        lasting="1m",
        severity="warning",
        summary="Node states of cluster {{ $labels.cluster }} are withdrawn",
        description="They are {{ $value | humanizeDuration }} old, and too old to be told: series "
        "have no state until the scheduler answers.",
        runbook=f"Look at SchedulerBinding {name} and its collector.",
    )
