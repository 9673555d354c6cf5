"""Every family there is: docs/metrics.md is generated from them."""

from rackwatt_exporter.collectors.registry import collector_families
from rackwatt_exporter.exposition.families import PER_PROCESS, PER_TARGET
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.pipelines import collectors, grid, lustre, schedulers, units
from rackwatt_exporter.pipelines.energy import families as energy


def all_families() -> tuple[MetricFamily, ...]:
    """Return every family; it imports every collector."""
    return (
        *PER_TARGET,
        *collectors.DOMAIN,
        *collector_families(),
        *collectors.HEALTH,
        *units.FAMILIES,
        *energy.FAMILIES,
        *schedulers.FAMILIES,
        *lustre.FAMILIES,
        *grid.FAMILIES,
        *PER_PROCESS,
    )
