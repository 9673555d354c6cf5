"""The dashboard of a scheduler: the states of its nodes, and its response times."""

from collections.abc import Iterator

from rackwatt_crds.kinds import counts_only
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.manifests.dashboards import counts
from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select


def scheduler_panels(params: Params, spec: SchedulerBindingSpec) -> Iterator[Panel]:
    """Go through the panels."""
    counted = counts_only(spec)
    family = "rackwatt_scheduler_base_state_nodes" if counted else "rackwatt_scheduler_nodes"
    nodes = select(params, family)
    yield stat("Nodes", f"sum({nodes})", COUNT, "Nodes that the scheduler lists.")
    up = select(params, "rackwatt_scheduler_up")
    yield stat("Answers", f"min({up})", COUNT, "1 if the last poll succeeded.")
    age = select(params, "rackwatt_scheduler_answer_age_seconds")
    yield stat("Age of states", f"max({age})", "s", "Time since the last successful poll.")
    yield from counts.node_panels(params) if counted else [_by_state(nodes)]
    yield from _polls(params)


def _by_state(nodes: str) -> Panel:
    return Panel(
        title="Nodes by state",
        kind="timeseries",
        queries=(Query(f"sum by (state) ({nodes})", "{{state}}"),),
        unit="short",
        description="As the scheduler reports them.",
        width=24,
        stacked=True,
    )


def _polls(params: Params) -> Iterator[Panel]:
    duration = select(params, "rackwatt_scheduler_read_duration_seconds")
    errors = select(params, "rackwatt_scheduler_errors_total")
    yield Panel(
        title="Duration of a poll",
        kind="timeseries",
        queries=(Query(duration, "{{scheduler}}"),),
        unit="s",
        description="Of successful and failed polls.",
    )
    yield errors_panel("Failed polls by reason", errors)
