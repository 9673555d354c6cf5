"""Resolved configuration of the I/O of a scheduler's jobs on Lustre.

It is polled on the schedule of its SchedulerBinding: the joined jobs are those of its snapshot.
"""

from dataclasses import dataclass, field

from rackwatt_crds.duration import seconds
from rackwatt_crds.jobid import PROCNAME_UID
from rackwatt_crds.lustre import Lustre
from rackwatt_exporter.config.options import TlsOptions, merge_layers
from rackwatt_exporter.config.schedule import Schedule
from rackwatt_exporter.config.scheduler import SchedulerConfig


@dataclass(frozen=True, slots=True)
class LustreOptions:
    """The Prometheus and the templates of job ids; `range` and `grace` are durations as text."""

    prometheus_url: str
    range: str = "1m"
    jobid: tuple[str, ...] = (PROCNAME_UID, "%j", "%j:%e.%u")
    grace: str = "5m"


@dataclass(frozen=True, slots=True)
class LustreConfig:
    """Configuration of the I/O of a scheduler's jobs.

    `credentials` names a Secret. `exclude` matches whole names of families.
    """

    scheduler: str
    cluster: str
    options: LustreOptions
    tls: TlsOptions = field(default_factory=TlsOptions)
    credentials: str | None = None
    exclude: str | None = None
    schedule: Schedule = field(default_factory=Schedule)

    @property
    def key(self) -> str:
        """The key: the name of the SchedulerBinding."""
        return self.scheduler

    @property
    def document(self) -> str:
        """The name of the document that wants it."""
        return self.scheduler

    @property
    def stale_after_s(self) -> float:
        """Age in seconds at which its value is withdrawn."""
        return self.schedule.stale_after_s

    @property
    def reading_timeout_s(self) -> float:
        """Timeout of a reading, shorter than the deadline so that the more precise reason wins."""
        return 0.9 * self.schedule.timeout_s

    @property
    def grace_s(self) -> float:
        """How long a job that is no longer listed keeps its I/O."""
        return seconds(self.options.grace)


def lustre_config(binding: SchedulerConfig, lustre: Lustre) -> LustreConfig:
    """Resolve the Lustre of a SchedulerBinding."""
    return LustreConfig(
        scheduler=binding.name,
        cluster=binding.cluster,
        options=merge_layers(LustreOptions, lustre),
        tls=merge_layers(TlsOptions, lustre.tls),
        credentials=lustre.credentials.secret_ref.name if lustre.credentials else None,
        exclude=binding.metrics.exclude,
        schedule=Schedule(
            binding.interval_s, binding.timeout_s, binding.stale_after_s, binding.max_backoff_s
        ),
    )
