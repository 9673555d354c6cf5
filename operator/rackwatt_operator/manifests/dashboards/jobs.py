"""The dashboards of a scheduler's jobs: the queue, who uses what, limits and licences.

A scheduler of which no jobs are read has none of them.
"""

from collections.abc import Iterable, Iterator

from rackwatt_crds.kinds import counts_only
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.schedulermetrics import SchedulerMetrics
from rackwatt_operator.manifests.dashboards import counts
from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, stacked, stat
from rackwatt_operator.manifests.dashboards.licenses import license_panels
from rackwatt_operator.manifests.dashboards.limits import limit_panels
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select, with_name
from rackwatt_operator.manifests.rules import power

_WAITING = 'state=~"pending|held"'
_RUNNING = 'state="running"'
_MOST = 15  # series of a panel


def job_boards(params: Params, spec: SchedulerBindingSpec) -> Iterator[tuple[str, Iterable[Panel]]]:
    """Go through the dashboards that a binding has data for, each with its subject."""
    if spec.noop is not None or spec.exporter is not None:
        return
    metrics = spec.metrics or SchedulerMetrics()
    if counts_only(spec):
        yield from counts.job_boards(params, metrics)
        return
    if metrics.jobs is not False:
        yield "queue", _queue_panels(params, metrics.partitions is not False)
    holders = [name for name in ("user", "account") if getattr(metrics, f"{name}s") is not False]
    if holders:
        yield "users", _user_panels(params, holders)
    if metrics.limit_usage:
        yield "limits", limit_panels(params)
    if metrics.licenses:
        yield "licenses", license_panels(params)


def _queue_panels(params: Params, partitions: bool) -> Iterator[Panel]:
    jobs = select(params, "rackwatt_scheduler_jobs")
    yield stat("Running", f"sum({_jobs(params, _RUNNING)})", COUNT, "Jobs that run now.")
    yield stat("Waiting", f"sum({_jobs(params, _WAITING)})", COUNT, "Jobs that wait, or are held.")
    yield stat("CPUs in use", _used(params, "cpus"), "percentunit", "Of those of all nodes.")
    yield stat("GPUs in use", _used(params, "gpus"), "percentunit", "Of those of all nodes.")
    yield stacked("Jobs by state", f"sum by (state) ({jobs})", "{{state}}", "Each task is a job.")
    pending = select(params, "rackwatt_scheduler_pending_jobs")
    reasons = with_name(f"topk({_MOST}, sum by (reason) ({pending}))", "reason", "(none)")
    yield stacked("Waiting jobs by reason", reasons, "{{reason}}", "Why the scheduler starts none.")
    if partitions:
        yield from _by_partition(params)
    yield from _times(params)


def _jobs(params: Params, matcher: str) -> str:
    return select(params, "rackwatt_scheduler_jobs", matcher)


def _used(params: Params, what: str) -> str:
    used = select(params, f"rackwatt_scheduler_node_allocated_{what}")
    return f"sum({used}) / sum({select(params, f'rackwatt_scheduler_node_{what}')})"


def _by_partition(params: Params) -> Iterator[Panel]:
    for title, matcher in (("Running", _RUNNING), ("Waiting", _WAITING)):
        jobs = select(params, "rackwatt_scheduler_partition_jobs", matcher)
        yield stacked(
            f"{title} jobs by partition",
            f"topk({_MOST}, sum by (partition) ({jobs}))",
            "{{partition}}",
            "A job that may start in several partitions waits in each.",
        )


def _times(params: Params) -> Iterator[Panel]:
    for title, family, meaning in (
        ("Waiting time", "rackwatt_scheduler_job_wait_seconds", "started"),
        ("Running time", "rackwatt_scheduler_job_run_seconds", "ended"),
    ):
        buckets = f"sum by (le) (increase({select(params, f'{family}_bucket')}[1h]))"
        yield Panel(
            title=title,
            kind="timeseries",
            queries=tuple(
                Query(f"histogram_quantile({share}, {buckets})", f"{share:.0%} of jobs")
                for share in (0.5, 0.95)
            ),
            unit="s",
            description=f"Of the jobs that {meaning} in the last hour, at most.",
        )


def _user_panels(params: Params, holders: Iterable[str]) -> Iterator[Panel]:
    for holder in holders:
        yield _power(params, holder)
        yield _held(params, holder, "cpus", "CPUs")
        yield _held(params, holder, "gpus", "GPUs")
        for title, matcher in (("Running", _RUNNING), ("Waiting", _WAITING)):
            jobs = select(params, f"rackwatt_scheduler_{holder}_jobs", matcher)
            yield stacked(
                f"{title} jobs by {holder}",
                with_name(f"topk({_MOST}, sum by ({holder}) ({jobs}))", holder, "(unknown)"),
                f"{{{{{holder}}}}}",
                "Each task of an array is a job.",
            )


def _power(params: Params, holder: str) -> Panel:
    return Panel(
        title=f"Power by {holder}",
        kind="timeseries",
        queries=(
            Query(f"topk({_MOST}, {_watts(params, holder, '!=')})", f"{{{{{holder}}}}}"),
            Query(_watts(params, holder, "="), "not attributed"),
        ),
        unit="watt",
        description=f"Watts of nodes, divided by what jobs of each {holder} hold of them.",
        stacked=True,
        width=24,
    )


def _watts(params: Params, holder: str, matching: str) -> str:
    """Ask for the power that fleets of this namespace record of the cluster."""
    matchers = f'namespace="{params.namespace}",by="{holder}",{holder}{matching}""'
    ours = select(params, "rackwatt_scheduler_up")
    return f"sum by ({holder}) ({power.NAME}{{{matchers}}} and on (cluster) {ours})"


def _held(params: Params, holder: str, what: str, title: str) -> Panel:
    held = select(params, f"rackwatt_scheduler_{holder}_allocated_{what}")
    return stacked(
        f"{title} by {holder}",
        with_name(f"topk({_MOST}, sum by ({holder}) ({held}))", holder, "(unknown)"),
        f"{{{{{holder}}}}}",
        f"The {_MOST} that hold the most.",
    )
