"""What a metric family is: name, type, unit, labels and help."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric family. A counter's name ends in `_total`; `unit` is empty where there is none."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...]
    unit: str = ""
    profile: str = "rackwatt"

    def header(self, openmetrics: bool) -> str:
        """Write the lines that introduce the family in either format."""
        name = self.name.removesuffix("_total") if openmetrics else self.name
        unit = f"# UNIT {name} {self.unit}\n" if openmetrics and self.unit else ""
        return f"# HELP {name} {self.help}\n# TYPE {name} {self.kind}\n{unit}"
