"""A feed: one zone of the grid, and who tells its carbon intensity, with nothing left to decide."""

from dataclasses import dataclass, field

from rackwatt_crds.grid import Grid
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_exporter.config.schedule import Schedule, schedule


@dataclass(frozen=True, slots=True)
class StaticOptions:
    """A figure that holds until it is changed."""

    grams_per_kilowatt_hour: float


FeedOptions = StaticOptions


@dataclass(frozen=True, slots=True)
class GridConfig:
    """All that a provider, the polling and the page need to know of it.

    Zone and provider together are its key.
    """

    document: str
    zone: str
    provider: str
    options: FeedOptions
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
        ValueError: its times do not go together; with the path of the field.
    """
    assert grid.static is not None  # noqa: S101 - the model holds that one provider is given
    options = StaticOptions(grid.static.grams_per_kilowatt_hour)
    return GridConfig(document, grid.zone, "static", options, schedule(spec))
