"""SchedulerBinding: the scheduler that reports the state of nodes."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.accounting.accounting import Accounting, is_enabled
from rackwatt_crds.fields import Duration, Paused
from rackwatt_crds.kinds import SCHEDULERS, SchedulerSettings, fields, given
from rackwatt_crds.lustre import Lustre
from rackwatt_crds.monitoring import Monitoring
from rackwatt_crds.pod import Pod
from rackwatt_crds.rules import (
    Rule,
    camel,
    exactly_one,
    immutable,
    min_duration,
    not_both,
    not_shorter_than,
)
from rackwatt_crds.schedulermetrics import SchedulerMetrics
from rackwatt_crds.tracing import Tracing
from rackwatt_crds.web import Web

# Nothing overrides these for a part of a binding, so the model has the defaults.
INTERVAL = "30s"
TIMEOUT = "10s"

NodeName = Annotated[
    str,
    Meta(
        pattern=r"^(short|fqdn|[A-Za-z0-9._-]*\{(name|short)\}[A-Za-z0-9._-]*)\Z",
        max_length=255,
        description="Such as `short`, `fqdn` or `{name}.cluster.example`.",
    ),
]


def _usage_by_rest(spec: "SchedulerBindingSpec") -> str | None:
    by_rest = spec.slurm is not None and spec.slurm.rest is not None
    wanted = spec.metrics is not None and spec.metrics.limit_usage is True
    return "slurm.rest" if by_rest and wanted else None


# The one field of metrics that depends on the way that Slurm is polled.
_LIMIT_USAGE = Rule(
    "metrics.limitUsage needs slurm.cli or slurm.ssh: slurmrestd does not report it",
    "!(has(self.slurm) && has(self.slurm.rest) && has(self.metrics) && "
    "has(self.metrics.limitUsage) && self.metrics.limitUsage)",
    _usage_by_rest,
    ("slurm", "metrics"),
    "metrics.limitUsage",
)


_NOT_COUNTED = ("licenses", "limits", "limit_usage", "fairshare", "reservations")


def _wanted_of_numbers(spec: "SchedulerBindingSpec") -> str | None:
    """Return what needs a list of nodes or jobs where slurmctld's metrics only count them."""
    if spec.slurm is None or spec.slurm.open_metrics is None:
        return None
    metrics = spec.metrics or SchedulerMetrics()
    wanted = {f"metrics.{camel(name)}": getattr(metrics, name) is True for name in _NOT_COUNTED}
    wanted["metrics.perJob"] = metrics.per_job is not None and metrics.per_job.enabled is True
    wanted["tracing"] = spec.tracing is not None and spec.tracing.enabled is True
    wanted["lustre"] = spec.lustre is not None
    return " and ".join(field for field, is_wanted in wanted.items() if is_wanted) or None


_WANTED = " || ".join(
    f"(has(self.metrics.{name}) && self.metrics.{name})" for name in map(camel, _NOT_COUNTED)
)
_NUMBERS = Rule(
    "slurm.openMetrics has neither licences, limits, fair shares nor reservations, and no list of "
    "jobs, which perJob, tracing and lustre need",
    "!has(self.slurm) || !has(self.slurm.openMetrics) || !(has(self.lustre) || "
    "(has(self.tracing) && has(self.tracing.enabled) && self.tracing.enabled) || "
    f"(has(self.metrics) && ({_WANTED} || (has(self.metrics.perJob) && "
    "has(self.metrics.perJob.enabled) && self.metrics.perJob.enabled))))",
    _wanted_of_numbers,
    ("slurm", "metrics", "tracing", "lustre"),
    "slurm.openMetrics",
)


def _without_history(spec: "SchedulerBindingSpec") -> str | None:
    """Return the scheduler of which no ended job is read, though accounting is wanted."""
    if not is_enabled(spec.accounting):
        return None
    return next(
        (
            kind.name if kind.lists(settings) else f"{kind.name}.openMetrics"
            for kind, settings in given(SCHEDULERS, spec)
            if not (kind.has_history and kind.lists(settings))
        ),
        None,
    )


_WITHOUT_HISTORY = [camel(kind.field) for kind in SCHEDULERS.values() if not kind.has_history]
_HISTORY = Rule(
    f"accounting reads jobs that have ended: it has no reader for {', '.join(_WITHOUT_HISTORY)} "
    "or slurm.openMetrics",
    "!has(self.accounting) || (has(self.accounting.enabled) && !self.accounting.enabled) || "
    f"!({' || '.join(f'has(self.{name})' for name in _WITHOUT_HISTORY)} || "
    "(has(self.slurm) && has(self.slurm.openMetrics)))",
    _without_history,
    ("accounting", *fields(SCHEDULERS)),
    "accounting",
)


class SchedulerBindingSpec(SchedulerSettings, frozen=True, kw_only=True):
    """Exactly one scheduler, and how often it is polled."""

    cluster: Annotated[str, Meta(min_length=1, description="The label `cluster`.")]
    node_name: Annotated[
        NodeName | None,
        Meta(
            description="How the scheduler's node names are matched with the names of targets: "
            "`short` compares what is before the first dot, `fqdn` the whole, both "
            "in any case of letters; a template such as `{name}.cluster.example`, "
            "with `{name}` or `{short}`, converts the scheduler's name to a "
            "target's. Default: exact match."
        ),
    ] = None
    interval: Annotated[Duration, Meta(description="Time between two polls of the scheduler.")] = (
        INTERVAL
    )
    timeout: Annotated[Duration, Meta(description="Deadline of one poll.")] = TIMEOUT
    stale_after: Annotated[
        Duration | None,
        Meta(description="Age at which node states are withdrawn. Default: three intervals."),
    ] = None
    metrics: SchedulerMetrics | None = None
    tracing: Tracing | None = None
    lustre: Lustre | None = None
    accounting: Accounting | None = None
    paused: Paused = False
    monitoring: Monitoring | None = None
    pod: Pod | None = None
    web: Web | None = None

    RULES = (
        exactly_one(*fields(SCHEDULERS)),
        not_both(
            "exporter",
            "lustre",
            "the other exporter has the jobs: lustre belongs into the binding that it polls",
        ),
        immutable(
            "cluster is immutable: create another SchedulerBinding",
            "self.cluster",
            at="cluster",
        ),
        min_duration("interval", "100ms"),
        min_duration("timeout", "1ms"),
        not_shorter_than("stale_after", "interval"),
        _LIMIT_USAGE,
        _NUMBERS,
        _HISTORY,
    )
