"""Statistics of a BMC's own measurement: their window, and values that cannot be true."""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.reading import ReadError, Reason, Statistics

MAX_WATTS = 60_000.0  # of one machine; the highest that DCMI can say is 65534

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


def plausible(watts: float, kept: Statistics | None, where: str) -> float:
    """Return watts that can be those of one machine; `where` is for the message.

    Raises:
        ReadError: implausible; bad_reply, where the statistics contradict each other.
    """
    if watts > MAX_WATTS:
        message = f"{where}: {watts:.12g} W is more than {MAX_WATTS:.0f} W"
        raise ReadError(Reason.IMPLAUSIBLE, message)
    least, most = (kept.minimum_watts, kept.maximum_watts) if kept else (None, None)
    if least is not None and most is not None and least > most:
        message = f"{where}: its minimum of {least:g} W is above its maximum of {most:g} W"
        raise ReadError(Reason.BAD_REPLY, message)
    return watts
