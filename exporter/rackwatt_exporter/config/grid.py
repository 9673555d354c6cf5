"""Resolved configuration of a grid zone and the provider of its carbon intensity."""

from dataclasses import dataclass, field

from rackwatt_crds.grid.zone import Grid
from rackwatt_crds.kinds import PROVIDERS, chosen
from rackwatt_crds.model import Model
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.validation import problems_of_grid
from rackwatt_exporter.config.schedule import Schedule, schedule


@dataclass(frozen=True, slots=True)
class GridConfig:
    """Configuration of a grid zone.

    Zone and provider together are the key. `settings` are the provider's, from the document; the
    provider applies their defaults.
    """

    document: str
    zone: str
    provider: str
    settings: Model
    schedule: Schedule = field(default_factory=Schedule)

    @property
    def key(self) -> str:
        """The key: zone and provider."""
        return f"{self.zone}/{self.provider}"

    @property
    def stale_after_s(self) -> float:
        """Age in seconds at which its value is withdrawn."""
        return self.schedule.stale_after_s


def grid_config(document: str, spec: PowerTargetSpec, grid: Grid) -> GridConfig:
    """Resolve the grid zone of a PowerTarget.

    Raises:
        ValueError: `staleAfter` is shorter than the interval, or a URL is invalid; the message has
            the path.
    """
    for problem in problems_of_grid(grid):
        raise ValueError(str(problem))
    kind, settings = chosen(PROVIDERS, grid)
    return GridConfig(document, grid.zone, kind.name, settings, schedule(spec))
