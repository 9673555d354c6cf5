"""Alerts on schedulers, for the collector that polls one and for those that read its relay."""

from collections.abc import Iterator

from rackwatt_crds.duration import seconds
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select, span, window_s
from rackwatt_operator.manifests.rules.rule import Alert


def scheduler_alerts(params: Params) -> Iterator[Alert]:
    """Watch over the scheduler that a binding's collector asks."""
    for_ = span(window_s(params.document) / 3)
    yield Alert(
        name="RackwattSchedulerDown",
        expression=f"{select(params, 'rackwatt_scheduler_up')} == 0",
        for_=for_,
        severity="warning",
        summary="Scheduler {{ $labels.scheduler }} does not respond",
        description="It has not reported node states of cluster {{ $labels.cluster }} "
        f"for {for_}.",
        runbook="The collector's /status has the reason and what to do.",
    )


def states_alerts(params: Params, name: str, spec: SchedulerBindingSpec) -> Iterator[Alert]:
    """Watch over the age of node states, for whichever collector serves them."""
    interval_s = seconds(spec.interval)
    stale_s = seconds(spec.stale_after) if spec.stale_after else 3 * interval_s
    age = select(params, "rackwatt_scheduler_answer_age_seconds", f'scheduler="{name}"')
    yield Alert(
        name="RackwattSchedulerStatesStale",
        expression=f"{age} > {stale_s:g}",
        for_="1m",
        severity="warning",
        summary="Node states of cluster {{ $labels.cluster }} are withdrawn",
        description="They are {{ $value | humanizeDuration }} old, too old to be served: "
        "series have no state until the scheduler responds.",
        runbook=f"Look at SchedulerBinding {name} and its collector.",
    )
