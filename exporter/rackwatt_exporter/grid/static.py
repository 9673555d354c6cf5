"""A figure that is in the document: the one of the site's own contract."""

from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.grid.base import Intensity


class StaticProvider:
    """The same figure at every reading."""

    def __init__(self, feed: GridConfig) -> None:
        settings = feed.settings
        assert isinstance(settings, StaticIntensity)  # noqa: S101 - the registry pairs them
        self._intensity = Intensity.of(settings.grams_per_kilowatt_hour)

    async def read(self) -> Intensity:
        """Return the figure; never fails."""
        return self._intensity

    async def close(self) -> None:
        """Nothing is open."""
