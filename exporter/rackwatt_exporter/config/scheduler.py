"""Resolved configuration of a scheduler.

The model has the defaults of interval and timeout, since nothing overrides them for a part of a
SchedulerBinding.
"""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.duration import seconds
from rackwatt_crds.endpoints import Endpoint, Url
from rackwatt_crds.kinds import SCHEDULERS, chosen
from rackwatt_crds.model import Model
from rackwatt_crds.schedulerbinding import INTERVAL, TIMEOUT
from rackwatt_crds.tracing import DEFAULT_PATH, Tracing
from rackwatt_crds.validation import semantic_problems
from rackwatt_exporter.config.options import SecretKey, merge_layers

INTERVAL_S = seconds(INTERVAL)
TIMEOUT_S = seconds(TIMEOUT)
# One scheduler serves all its nodes, so their states must return soon after an outage.
MAX_BACKOFF_S = 60.0
_SUBJECTS = (
    "partitions", "licenses", "diagnostics", "limits", "limit_usage", "fairshare", "reservations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PerJobOptions:
    """Whether jobs have their own series, and of how many jobs at most."""

    enabled: bool = False
    max: int = 1000


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Metrics to expose of a snapshot; `exclude` matches whole names of families.

    `gpu_weight` is how many CPUs a GPU counts for. The default is what 400 W of a GPU are to the 4
    to 6 W of a core of a server's processor.
    """

    jobs: bool = True
    partitions: bool = True
    users: bool = True
    accounts: bool = True
    licenses: bool = False
    diagnostics: bool = False
    limits: bool = False
    limit_usage: bool = False
    fairshare: bool = False
    reservations: bool = False
    per_job: PerJobOptions = PerJobOptions()
    gpu_weight: float = 64
    exclude: str | None = None

    @property
    def reads_jobs(self) -> bool:
        """Whether any of the metrics needs jobs."""
        return self.jobs or self.shares_nodes or self.per_job.enabled

    @property
    def shares_nodes(self) -> bool:
        """Whether nodes have shares, by user, account or partition."""
        return self.partitions or self.users or self.accounts

    @property
    def subjects(self) -> frozenset[str]:
        """The fields that need what a scheduler reports beside nodes and jobs."""
        return frozenset(name for name in _SUBJECTS if getattr(self, name))


@dataclass(frozen=True, slots=True)
class TracingOptions:
    """Whether jobs may report their processes, where, and how many jobs.

    Without `token`, reports need no token.
    """

    enabled: bool = False
    path: str = DEFAULT_PATH
    stale_after_s: float = 10.0
    token: SecretKey | None = None
    max_jobs: int = 1000


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """Configuration of a scheduler.

    `kind` names the scheduler. `settings` are those of the document; the scheduler applies their
    defaults.
    """

    name: str
    document: str
    cluster: str
    kind: str
    settings: Model
    node_name: str | None = None
    interval_s: float = INTERVAL_S
    timeout_s: float = TIMEOUT_S
    stale_after_s: float = 3 * INTERVAL_S
    max_backoff_s: float = MAX_BACKOFF_S
    metrics: MetricsOptions = MetricsOptions()
    tracing: TracingOptions = TracingOptions()
    has_lustre: bool = False

    @property
    def key(self) -> str:
        """The key: the name of the SchedulerBinding."""
        return self.name

    @property
    def reading_timeout_s(self) -> float:
        """Timeout of a reading, which the scheduler itself keeps: it knows the precise reason."""
        return 0.9 * self.timeout_s

    @property
    def label(self) -> str:
        """The scheduler and its interface, such as `slurm/rest`."""
        return SCHEDULERS[self.kind].label(self.settings)

    @property
    def address(self) -> str:
        """The host that answers, with the port of a URL; empty where the document names none."""
        for connection in SCHEDULERS[self.kind].connections(self.settings):
            if isinstance(connection, Url):
                return urlsplit(str(connection.text)).netloc.rpartition("@")[2]
            if isinstance(connection, Endpoint) and connection.host:
                return connection.host
        return ""

    @property
    def is_relayed(self) -> bool:
        """Whether another exporter polls the scheduler."""
        return SCHEDULERS[self.kind].is_relay

    @property
    def reads_jobs(self) -> bool:
        """Whether jobs are polled here: the scheduler has some, and something needs them."""
        kind = SCHEDULERS[self.kind]
        has_jobs = kind.has_jobs and kind.lists(self.settings) and not self.is_relayed
        return has_jobs and (self.metrics.reads_jobs or self.tracing.enabled or self.has_lustre)

    @property
    def subjects(self) -> frozenset[str]:
        """The fields of spec.metrics that need what this scheduler has beside nodes and jobs."""
        return self.metrics.subjects if SCHEDULERS[self.kind].has_subjects else frozenset()

    @property
    def connection_key(self) -> object:
        """All that a connection depends on; while it is equal, the connection is kept."""
        return self.kind, self.settings, self.timeout_s, self.reads_jobs, self.subjects


def scheduler_config(document: SchedulerBinding) -> SchedulerConfig:
    """Resolve a SchedulerBinding.

    Raises:
        ValueError: a host list or a URL is invalid; the message has the path.
    """
    name, spec = document.metadata.name, document.spec
    for problem in semantic_problems(document):
        raise ValueError(str(problem))
    kind, settings = chosen(SCHEDULERS, spec)
    interval_s = seconds(spec.interval)
    return SchedulerConfig(
        name=name,
        document=name,
        cluster=spec.cluster,
        kind=kind.name,
        settings=settings,
        node_name=spec.node_name,
        interval_s=interval_s,
        timeout_s=seconds(spec.timeout),
        stale_after_s=seconds(spec.stale_after) if spec.stale_after else 3 * interval_s,
        max_backoff_s=max(interval_s, MAX_BACKOFF_S),
        metrics=merge_layers(MetricsOptions, spec.metrics),
        tracing=_tracing_options(spec.tracing),
        has_lustre=spec.lustre is not None,
    )


def _tracing_options(tracing: Tracing | None) -> TracingOptions:
    options = merge_layers(TracingOptions, tracing)
    if tracing is None:
        return options
    ref, stale_after = tracing.token_secret_ref, tracing.stale_after
    return replace(
        options,
        token=SecretKey(ref.name, ref.key) if ref else None,
        stale_after_s=seconds(stale_after) if stale_after else options.stale_after_s,
    )
