"""Static carbon intensity, from the document: the value of the site's own contract."""

from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.grid.base import CarbonIntensity


class StaticProvider:
    """Provider of the same value at every reading."""

    def __init__(self, feed: GridConfig) -> None:
        settings = feed.settings
        assert isinstance(settings, StaticIntensity)  # noqa: S101 - the registry pairs them
        self._intensity = CarbonIntensity.from_grams_per_kwh(settings.grams_per_kilowatt_hour)

    async def read(self) -> CarbonIntensity:
        """Return the value; never fails."""
        return self._intensity

    async def close(self) -> None:
        """Nothing is open."""
