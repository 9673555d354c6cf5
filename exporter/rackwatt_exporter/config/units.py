"""Resolved configuration of the units of one manager on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rackwatt_crds.model import Model
from rackwatt_crds.node.units import managers
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_exporter.config.schedule import Schedule, schedule


@dataclass(frozen=True, slots=True)
class UnitsConfig:
    """Whose units are read: the name of the manager, which is the key, and its settings."""

    manager: str
    document: str
    settings: Model
    schedule: Schedule = field(default_factory=Schedule)

    @property
    def key(self) -> str:
        """The key: the manager."""
        return self.manager

    @property
    def stale_after_s(self) -> float:
        """Age in seconds at which its units are withdrawn."""
        return self.schedule.stale_after_s


def units_configs(document: str, spec: PowerTargetSpec) -> Iterator[UnitsConfig]:
    """Go through the managers of a PowerTarget.

    Raises:
        ValueError: `staleAfter` is shorter than the interval; the message has the path.
    """
    if spec.node is None:
        return
    timing = schedule(spec)
    for manager, settings in managers(spec.node.units).items():
        yield UnitsConfig(manager, document, settings, timing)
