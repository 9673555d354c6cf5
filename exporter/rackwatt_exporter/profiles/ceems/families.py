"""Declaration of a family of ceems_exporter: its name, its type there, and its labels."""

from typing import Literal

from rackwatt_exporter.metrics.family import MetricFamily

Kind = Literal["gauge", "counter"]


def family(kind: Kind, name: str, text: str, *labels: str) -> MetricFamily:
    """Return a family; the types are those of CEEMS, so that its rules and dashboards go on."""
    return MetricFamily(f"ceems_{name}", kind, text, labels, profile="ceems")
