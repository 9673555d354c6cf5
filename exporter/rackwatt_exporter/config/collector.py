"""Resolved configuration of a collector on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rackwatt_crds.model import Model
from rackwatt_crds.node.collectors import choices
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_exporter.config.schedule import Schedule, schedule


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """Configuration of a collector.

    `name` is the collector's name and key. `scheduler` names the SchedulerBinding that reports the
    machine's state. `settings` is the field of `spec.node` with the collector's name, if any. One
    that is `automatic` need not be there.
    """

    name: str
    document: str
    schedule: Schedule = field(default_factory=Schedule)
    scheduler: str | None = None
    settings: Model | None = None
    automatic: bool = False

    @property
    def key(self) -> str:
        """The key: the collector's name."""
        return self.name

    @property
    def stale_after_s(self) -> float:
        """Age in seconds at which its result is withdrawn."""
        return self.schedule.stale_after_s


def collector_configs(
    document: str, spec: PowerTargetSpec
) -> Iterator[tuple[str, CollectorConfig]]:
    """Go through the collectors of a PowerTarget, each with the path of the field that chooses it.

    Raises:
        ValueError: `staleAfter` is shorter than the interval; the message has the path.
    """
    if spec.node is None:
        return
    timing = schedule(spec)
    scheduler = spec.scheduler_ref.name if spec.scheduler_ref else None
    for name, path, automatic in choices(spec.node):
        settings = getattr(spec.node, name, None)
        config = CollectorConfig(name, document, timing, scheduler, settings, automatic)
        yield f"spec.node.{path}", config
