"""The dashboards of a scheduler that only counts its nodes and jobs, as slurmctld's metrics do.

A base state is not what a node does, so that no panel of states has them: flags are beside it, and
a node may have several.
"""

from collections.abc import Iterable, Iterator

from rackwatt_crds.schedulermetrics import SchedulerMetrics
from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, stacked, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select

_RUNNING, _WAITING = 'base="running"', 'base="pending"'
_MOST = 15  # series of a panel


def node_panels(params: Params) -> Iterator[Panel]:
    """Go through the panels of nodes."""
    nodes = select(params, "rackwatt_scheduler_base_state_nodes")
    text = "A base state alone: an idle node may be drained, which is a flag."
    yield stacked("Nodes by base state", f"sum by (base) ({nodes})", "{{base}}", text)
    flags = select(params, "rackwatt_scheduler_flagged_nodes")
    yield Panel(
        title="Nodes by flag",
        kind="timeseries",
        queries=(Query(f"sum by (flag) ({flags}) > 0", "{{flag}}"),),
        unit=COUNT,
        description="A node may have several.",
    )


def job_boards(params: Params, metrics: SchedulerMetrics) -> Iterator[tuple[str, Iterable[Panel]]]:
    """Go through the dashboards of jobs that a binding has data for, each with its subject."""
    if metrics.jobs is not False:
        yield "queue", _queue_panels(params, metrics.partitions is not False)
    holders = [name for name in ("user", "account") if getattr(metrics, f"{name}s") is not False]
    if holders:
        yield "users", (panel for holder in holders for panel in _of_each(params, holder))


def _queue_panels(params: Params, partitions: bool) -> Iterator[Panel]:
    family = "rackwatt_scheduler_base_state_jobs"
    for title, matcher in (("Running", _RUNNING), ("Waiting", _WAITING)):
        jobs = select(params, family, matcher)
        yield stat(title, f"sum({jobs})", COUNT, "Each task of an array is a job.")
    by_base = f"sum by (base) ({select(params, family)})"
    yield stacked("Jobs by base state", by_base, "{{base}}", "Each task of an array is a job.")
    if partitions:
        yield from _of_each(params, "partition")


def _of_each(params: Params, group: str) -> Iterator[Panel]:
    for title, matcher in (("Running", _RUNNING), ("Waiting", _WAITING)):
        jobs = select(params, f"rackwatt_scheduler_{group}_base_state_jobs", matcher)
        yield stacked(
            f"{title} jobs by {group}",
            f"topk({_MOST}, sum by ({group}) ({jobs}))",
            f"{{{{{group}}}}}",
            "As slurmctld counts them: a waiting array may be one job.",
        )
