"""A metric family: name, type, unit, labels and help; and a sample of one."""

from dataclasses import dataclass
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True, eq=False)
class MetricFamily:
    """One metric family. A counter's name ends in `_total`; `unit` is empty where there is none."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...]
    unit: str = ""
    profile: str = "rackwatt"

    def header(self, openmetrics: bool) -> str:
        """Return the lines that introduce the family in either format."""
        is_cut = openmetrics and self.kind == "counter"
        name = self.name.removesuffix("_total") if is_cut else self.name
        unit = f"# UNIT {name} {self.unit}\n" if openmetrics and self.unit else ""
        return f"# HELP {name} {self.help}\n# TYPE {name} {self.kind}\n{unit}"


class Sample(NamedTuple):
    """One number of a family; `labels` are the values of the family's labels, in their order."""

    family: MetricFamily
    labels: tuple[str, ...]
    value: float
