"""Jobs of Grid Engine, by the control groups that its execution daemon makes.

Univa and Altair Grid Engine have `UGE/JOB.TASK` in each controller of version 1 (`cgroup_params` of
sge_conf(5)), and Son of Grid Engine has `sge/JOB.TASK` in cpuset alone; a job that is no array is
task 1 there. Open Cluster Scheduler has systemd make `JOB.scope`, or `JOB.TASK.scope` of an array,
in `ocsPORT.slice/ocsPORT-jobs.slice`; a parallel job that it controls has a slice there, with a
scope for each of its tasks.
"""

import re

from rackwatt_crds.node.units import GridEngineUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.units.managers.base import GroupLayout, Lead, Place, UnitPlace

_JOB = r"\d+(?:\.\d+)?"
_PATH = re.compile(rf"(?:UGE|AGE|SGE|sge)(?:/(?P<job>{_JOB}))?")
_SLICES = re.compile(
    rf"(?P<ocs>ocs\d+)\.slice(?:/(?P=ocs)-jobs\.slice"
    rf"(?:/(?:(?P=ocs)-jobs-(?P<parallel>{_JOB})\.slice|(?:(?P=ocs)\.)?(?P<job>{_JOB})\.scope))?)?"
)


class GridEngineLayout(GroupLayout):
    """The jobs of this machine's execution daemon."""

    manager = "gridengine"
    waits_for = "UGE, sge or ocsPORT.slice"

    def __init__(self, host: HostPaths, settings: GridEngineUnits) -> None:
        del host, settings

    def place(self, path: str) -> Place:
        """Say what a control group is."""
        if (match := _PATH.fullmatch(path)) is not None:
            job = match["job"]
        elif (match := _SLICES.fullmatch(path)) is not None:
            job = match["job"] or match["parallel"]
        else:
            return None
        return Lead.MANAGER if job is None else UnitPlace(job)
