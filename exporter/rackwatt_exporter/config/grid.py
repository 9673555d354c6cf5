"""One zone of the grid, and who publishes its carbon intensity, with nothing left to decide."""

from dataclasses import dataclass, field

from rackwatt_crds.grid.zone import Grid
from rackwatt_crds.kinds import PROVIDERS, chosen
from rackwatt_crds.model import Model
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.validation import problems_of_grid
from rackwatt_exporter.config.schedule import Schedule, schedule


@dataclass(frozen=True, slots=True)
class GridConfig:
    """All that a provider, the polling and the page need to know of it.

    Zone and provider together are its key. `settings` are the provider's own, from the document;
    the provider fills in their defaults.
    """

    document: str
    zone: str
    provider: str
    settings: Model
    schedule: Schedule = field(default_factory=Schedule)

    @property
    def key(self) -> str:
        """Its key."""
        return f"{self.zone}/{self.provider}"

    @property
    def stale_after_s(self) -> float:
        """Age at which a figure does not count any more."""
        return self.schedule.stale_after_s


def feed(document: str, spec: PowerTargetSpec, grid: Grid) -> GridConfig:
    """Decide every setting of a document.

    Raises:
        ValueError: its times do not go together, or a URL means nothing; with the path of the
            field.
    """
    for problem in problems_of_grid(grid):
        raise ValueError(str(problem))
    kind, settings = chosen(PROVIDERS, grid)
    return GridConfig(document, grid.zone, kind.name, settings, schedule(spec))
