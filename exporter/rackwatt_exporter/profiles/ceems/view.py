"""The view of a node as ceems_exporter has it, in the versions 0.5 and 0.10."""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import FamilyLines
from rackwatt_exporter.profiles.ceems import devices, sources
from rackwatt_exporter.profiles.ceems.families import family
from rackwatt_exporter.profiles.ceems.units import UnitView
from rackwatt_exporter.profiles.health import collector_health
from rackwatt_exporter.profiles.lines import ProfileLines
from rackwatt_exporter.profiles.node import NodeStores

DURATION = family(
    "gauge",
    "scrape_collector_duration_seconds",
    "How long the last reading took.",
    "collector",
    "subcollector",
)
SUCCESS = family(
    "gauge", "scrape_collector_success", "Whether the last reading was complete.", "collector"
)


class CeemsView:
    """One node; `is_new` is version 0.10."""

    def __init__(self, stores: NodeStores, is_new: bool) -> None:
        self._stores = stores
        self._is_new = is_new
        self._units = UnitView(stores, is_new)

    def families(self) -> Iterator[FamilyLines]:
        """Go through the families with their lines."""
        lines = ProfileLines()
        self._units.add(lines)
        sources.add_sources(self._stores, lines)
        if self._is_new:
            devices.add_devices(self._stores, lines)
        for one in collector_health(self._stores):
            lines.add(DURATION, (one.name, ""), one.took_s)
            lines.add(SUCCESS, (one.name,), int(one.is_up))
        return lines.families()

    @property
    def all_families(self) -> Iterator[MetricFamily]:
        """Go through every family there may be: the page of the migration lists each."""
        yield from self._units.families
        yield from sources.FAMILIES
        if self._is_new:
            yield from devices.FAMILIES
        yield from (DURATION, SUCCESS)


def ceems_0_5(stores: NodeStores) -> CeemsView:
    """Return the view of version 0.5."""
    return CeemsView(stores, is_new=False)


def ceems_0_10(stores: NodeStores) -> CeemsView:
    """Return the view of version 0.10."""
    return CeemsView(stores, is_new=True)
