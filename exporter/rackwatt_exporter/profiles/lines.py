"""Lines of a profile, collected by family in the order in which the families come.

No label set is written twice, since Prometheus rejects a page that has one: the names of other
exporters have no room for two jobs with the same id on one machine.
"""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import FamilyLines, line


class ProfileLines:
    """The lines of one page."""

    def __init__(self) -> None:
        self._values: dict[MetricFamily, dict[tuple[str, ...], float]] = {}

    def add(self, family: MetricFamily, labels: tuple[str, ...], value: float | None) -> None:
        """Add a number, unless it is unknown or its labels are taken."""
        if value is not None:
            self._values.setdefault(family, {}).setdefault(labels, value)

    def families(self) -> Iterator[FamilyLines]:
        """Go through the families."""
        for family, values in self._values.items():
            yield family, [line(family, labels, repr(value)) for labels, value in values.items()]
