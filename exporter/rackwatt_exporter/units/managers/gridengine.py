"""Jobs of Grid Engine, by the control groups that its execution daemon makes.

Univa and Altair Grid Engine have `UGE/JOB.TASK` in each controller of version 1 (`cgroup_params` of
sge_conf(5)). Son of Grid Engine has `sge/JOB.TASK` in cpuset alone. A job that is no array has the
task 1, or none.
"""

import re

from rackwatt_crds.node.units import GridEngineUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.managers.base import Lead, Place, UnitPlace, bound_cpus
from rackwatt_exporter.units.model import StepReading, UnitInfo

_PATH = re.compile(r"(?:UGE|AGE|SGE|sge)(?:/(?P<job>\d+(?:\.\d+)?))?")


class GridEngineLayout:
    """The jobs of this machine's execution daemon."""

    manager = "gridengine"
    waits_for = "UGE or sge"
    problem: ReadError | None = None

    def __init__(self, host: HostPaths, settings: GridEngineUnits) -> None:
        del host, settings

    def place(self, path: str) -> Place:
        """Say what a control group is."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        return Lead.MANAGER if match["job"] is None else UnitPlace(match["job"])

    def cpus(self, group: ControlGroup) -> float | None:
        """Return the CPUs that it is bound to."""
        return bound_cpus(group)

    def info(self, group: ControlGroup) -> UnitInfo:
        """Return nothing: control groups have no names of people."""
        del group
        return UnitInfo()

    def steps(self, group: ControlGroup) -> tuple[StepReading, ...]:
        """Return none."""
        del group
        return ()
