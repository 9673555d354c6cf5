"""The dashboard of the grid: how much carbon a kilowatt-hour means, and what the fleets emit."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select


def grid_panels(params: Params) -> Iterator[Panel]:
    """Go through the panels."""
    intensity = select(params, "rackwatt_grid_carbon_intensity_grams_per_joule")
    per_kilowatt_hour = f"{intensity} * 3.6e6"
    # Of this namespace, for a dashboard speaks of what its reader may see.
    drawn = f'sum(rackwatt_node_power_watts{{namespace="{params.namespace}"}})'
    emitted = f"{drawn} * scalar(max({intensity})) * 3600"
    yield stat("Intensity", f"max({per_kilowatt_hour})", "short", "Grams of CO2e in a kWh, now.")
    yield stat("Age", f"max({_age(params)})", "s", "Since the provider reported it.")
    yield stat("Emitted", emitted, "massg", "CO2e in an hour of what BMCs measure here.")
    yield Panel(
        title="Intensity",
        kind="timeseries",
        queries=(Query(per_kilowatt_hour, "{{zone}}, {{provider}}"),),
        unit="short",
        description="Grams of carbon dioxide equivalent in a kilowatt-hour.",
    )
    yield Panel(
        title="Emitted in an hour",
        kind="timeseries",
        queries=(Query(emitted, "CO2e"),),
        unit="massg",
        description="What the fleets of this namespace draw, times the intensity.",
    )
    yield errors_panel("Failed polls by reason", select(params, "rackwatt_grid_errors_total"))


def _age(params: Params) -> str:
    return select(params, "rackwatt_grid_reading_age_seconds")
