"""Families of what a BMC says of its own measurement: its statistics and their window."""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.reading import Statistics

POWER = MetricFamily(
    "rackwatt_node_bmc_power_watts",
    "gauge",
    "Power of the node over the window of its own BMC, by statistic.",
    ("node", "source", "statistic"),
    "watts",
)
WINDOW = MetricFamily(
    "rackwatt_node_bmc_power_window_seconds",
    "gauge",
    "Length of the window of rackwatt_node_bmc_power_watts.",
    ("node", "source"),
    "seconds",
)
FAMILIES = (POWER, WINDOW)


def statistics_samples(source: str, kept: Statistics | None) -> Iterator[Sample]:
    """Go through the statistics that a BMC has; `source` is the collector."""
    if kept is None:
        return
    figures = {
        "minimum": kept.minimum_watts,
        "maximum": kept.maximum_watts,
        "average": kept.average_watts,
    }
    for statistic, watts in figures.items():
        if watts is not None:
            yield Sample(POWER, (source, statistic), watts)
    if kept.window_s is not None:
        yield Sample(WINDOW, (source,), kept.window_s)
