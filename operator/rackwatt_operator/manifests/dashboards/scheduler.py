"""The dashboard of a scheduler: the states of its nodes, and how it answers."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select


def scheduler_panels(subject: Params) -> Iterator[Panel]:
    """Go through the panels."""
    nodes = select(subject, "rackwatt_scheduler_nodes")
    yield stat("Nodes", f"sum({nodes})", "short", "How many the scheduler knows.")
    up = select(subject, "rackwatt_scheduler_up")
    yield stat("Answers", f"min({up})", "short", "1 while the scheduler answered last.")
    age = select(subject, "rackwatt_scheduler_answer_age_seconds")
    yield stat("Age of states", f"max({age})", "s", "How old the last answer is.")
    yield Panel(
        title="Nodes by state",
        kind="timeseries",
        queries=(Query(f"sum by (state) ({nodes})", "{{state}}"),),
        unit="short",
        told="As the scheduler has them.",
        width=24,
        stacked=True,
    )
    yield from _asking(subject)


def _asking(subject: Params) -> Iterator[Panel]:
    duration = select(subject, "rackwatt_scheduler_read_duration_seconds")
    errors = select(subject, "rackwatt_scheduler_errors_total")
    yield Panel(
        title="How long an answer takes",
        kind="timeseries",
        queries=(Query(duration, "{{scheduler}}"),),
        unit="s",
        told="Answered or not.",
    )
    yield errors_panel("Questions without an answer", errors)
