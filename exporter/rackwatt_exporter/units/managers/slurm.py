"""Jobs of Slurm, by the control groups that slurmstepd makes (cgroup.conf(5), cgroup_v2).

Version 1 has `slurm/uid_U/job_J/step_S/task_T` in each controller; a slurmd that was built for
several on one host has `slurm_NODE` instead. Version 2 has `job_J/step_S` in the scope
`slurmstepd.scope`, or `NODE_slurmstepd.scope`, of system.slice or of `CgroupSlice`; without systemd
the scope may be at the root.

Two slurmd of one host may run the same job. Each is a unit: that of another node than this machine
has the node before its id, as `n2/1234`.
"""

import re

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.cgroups.steps import read_steps
from rackwatt_exporter.units.managers.base import GroupLayout, Lead, Place, UnitPlace
from rackwatt_exporter.units.model import StepReading

_V1 = re.compile(r"slurm(?:_(?P<node>[^/]+))?(?P<user>/uid_\d+)?(?:/job_(?P<job>\d+))?")
_V2 = re.compile(r"(?:[^/]+\.slice/)*(?:(?P<node>[^/]+)_)?slurmstepd\.scope(?:/job_(?P<job>\d+))?")
_SLICES = re.compile(r"(?!kubepods|kubelet|user|machine)[^/]+\.slice(?:/[^/]+\.slice)*")


class SlurmLayout(GroupLayout):
    """The jobs of every slurmd of this machine."""

    manager = "slurm"
    waits_for = "slurm, slurm_NODE or slurmstepd.scope"

    def __init__(self, host: HostPaths, settings: SlurmUnits) -> None:
        self._node = host.node
        self._has_steps = bool(settings.steps)

    def place(self, path: str) -> Place:
        """Say what a control group is."""
        match = _V2.fullmatch(path) or _V1.fullmatch(path)
        if match is None:
            return Lead.OUTSIDE if _SLICES.fullmatch(path) else None
        job, node = match["job"], match["node"]
        if job is None:
            return Lead.MANAGER
        return UnitPlace(job if node in (None, self._node) else f"{node}/{job}")

    def steps(self, group: ControlGroup) -> tuple[StepReading, ...]:
        """Read each step, where they are wanted."""
        return read_steps(group) if self._has_steps else ()
