"""Protocol of a layout: which control groups are the units of one manager.

A layout judges a control group by its path below a hierarchy, without input or output; that is done
only for what it says of a unit. Groups that lead to units are of two kinds. Those outside exist
whether the manager runs or not, and are listed seldom; those of the manager itself are listed at
each reading.
"""

import math
import re
from enum import Enum
from typing import NamedTuple, Protocol

from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.model import StepReading, UnitInfo

_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


class Lead(Enum):
    """Why a control group that is no unit is listed."""

    OUTSIDE = "outside"
    MANAGER = "manager"


class UnitPlace(NamedTuple):
    """A control group that is a unit, and the unit's id."""

    unit: str


Place = Lead | UnitPlace | None


class Layout(Protocol):
    """The control groups of one manager. `waits_for` says in words which these are.

    `problem` is why units have no names, where these should be found.
    """

    manager: str
    waits_for: str
    problem: ReadError | None

    def place(self, path: str) -> Place:
        """Say what a control group is, by its path below a hierarchy, as `slurm/uid_1/job_2`."""
        ...

    def cpus(self, group: ControlGroup) -> float | None:
        """Return how many CPUs a unit holds; None where that cannot be seen."""
        ...

    def info(self, group: ControlGroup) -> UnitInfo:
        """Return what a unit is called; called again while it has no name."""
        ...

    def steps(self, group: ControlGroup) -> tuple[StepReading, ...]:
        """Read the parts of a unit, where these are wanted and there are any."""
        ...


class GroupLayout:
    """What most layouts share: units hold the CPUs that they are bound to, and have no names.

    Control groups have no names of people, and only some managers make groups for parts of a unit.
    """

    problem: ReadError | None = None

    def cpus(self, group: ControlGroup) -> float | None:
        """Return the CPUs that it is bound to, or that its quota allows."""
        limits = group.limits
        if limits.cpuset:
            return float(limits.cpuset)
        quota = limits.quota_cpus
        return None if quota is None or quota == math.inf else quota

    def info(self, group: ControlGroup) -> UnitInfo:
        """Return nothing."""
        del group
        return UnitInfo()

    def steps(self, group: ControlGroup) -> tuple[StepReading, ...]:
        """Return none."""
        del group
        return ()


def unescaped(name: str) -> str:
    """Return a name as it was before systemd escaped it (systemd-escape(1))."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), name)
