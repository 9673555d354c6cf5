"""A figure that stands in the document: the one of the site's own contract."""

from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.grid.base import Intensity


class StaticProvider:
    """The same figure at every reading."""

    def __init__(self, feed: GridConfig) -> None:
        self._intensity = Intensity.of(feed.options.grams_per_kilowatt_hour)

    async def read(self) -> Intensity:
        """Give the figure; never fails."""
        return self._intensity

    async def close(self) -> None:
        """Nothing is open."""
