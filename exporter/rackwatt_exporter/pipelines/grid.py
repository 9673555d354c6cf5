"""The pipeline of the grid: the carbon intensity of its zones."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.grid.base import CarbonIntensity, Provider
from rackwatt_exporter.grid.registry import provider
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.health import HealthFamilies
from rackwatt_exporter.metrics.text import FamilyLines, line
from rackwatt_exporter.pipelines.health import rounded
from rackwatt_exporter.pipelines.pipeline import Measured, Pipeline, Subject, scheduled
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.store.store import Record

INTENSITY = MetricFamily(
    "rackwatt_grid_carbon_intensity_grams_per_joule",
    "gauge",
    "Carbon intensity of the grid, in grams of CO2 equivalent per joule; times 3.6e6 per kWh.",
    ("zone", "provider"),
    "grams_per_joule",
)
HEALTH = HealthFamilies.of("grid", ("zone", "provider"))
FAMILIES = (INTENSITY, *HEALTH)


class GridPipeline(Pipeline[GridConfig, CarbonIntensity]):
    """All zones of the grid."""

    name = "grids"
    noun = "grid"

    def specs(self, fleet: Fleet) -> Mapping[str, GridConfig]:
        """Return zones with their providers, by their names together."""
        return fleet.grids

    def source(self, spec: GridConfig) -> Provider:
        """Make the provider of a zone."""
        return provider(spec)

    def identity(self, spec: GridConfig) -> object:
        """Return the provider's settings and its deadline."""
        return spec.settings, spec.schedule.timeout_s

    def pace(self, spec: GridConfig) -> PollSchedule:
        """Return how often it is polled."""
        return scheduled(spec.schedule)

    def subject(self, spec: GridConfig) -> Subject:
        """Name the zone, and the provider as the method."""
        return Subject(spec.zone, "", spec.provider)

    def families(self, now_s: float) -> Iterator[FamilyLines]:
        """Go through the intensities and health."""
        known = [(_labels(record), record) for record in self.store.records.values()]
        intensities = [
            line(INTENSITY, who, repr(record.value.grams_per_joule))
            for who, record in known
            if record.value is not None
        ]
        return chain([(INTENSITY, intensities)], HEALTH.lines(known, now_s))

    def describe(self, record: Record[GridConfig, CarbonIntensity]) -> dict[str, Any]:
        """Return the zone, its provider and its intensity."""
        grams = record.value.grams_per_kilowatt_hour if record.value else None
        return {
            "powertarget": record.spec.document,
            "zone": record.spec.zone,
            "provider": record.spec.provider,
            "grams_per_kilowatt_hour": rounded(grams),
        }

    def found(self, record: Record[GridConfig, CarbonIntensity]) -> str | None:
        """Return the intensity."""
        return f"{record.value.grams_per_kilowatt_hour:g} g/kWh" if record.value else None

    def measured(self) -> Iterator[Measured]:
        """Count each zone as a target without watts."""
        for record in self.store.records.values():
            yield Measured(record.spec.document, record.up, record if record.error else None)


def _labels(record: Record[GridConfig, CarbonIntensity]) -> tuple[str, str]:
    return record.spec.zone, record.spec.provider
