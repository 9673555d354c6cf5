"""An instrument: one collector at work on this machine, with nothing left to decide."""

from dataclasses import dataclass, field

from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_exporter.config.schedule import Schedule, schedule


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """All that a collector, the polling and the page need to know of it.

    `name` is the collector's, and its key: no machine has one twice. `scheduler` names the binding
    that knows the machine's state.
    """

    name: str
    document: str
    schedule: Schedule = field(default_factory=Schedule)
    scheduler: str | None = None

    @property
    def key(self) -> str:
        """Its key: the collector."""
        return self.name

    @property
    def stale_after_s(self) -> float:
        """Age at which what it found does not count any more."""
        return self.schedule.stale_after_s


def instruments(document: str, spec: PowerTargetSpec) -> list[CollectorConfig]:
    """List the instruments of a document; none where it measures something else.

    Raises:
        ValueError: its times do not go together; with the path of the field.
    """
    if spec.node is None:
        return []
    times = schedule(spec)
    scheduler = spec.scheduler_ref.name if spec.scheduler_ref else None
    return [CollectorConfig(name, document, times, scheduler) for name in spec.node.collectors]
