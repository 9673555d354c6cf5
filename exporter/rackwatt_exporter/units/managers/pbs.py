"""Jobs of PBS, by the control groups of its hook `pbs_cgroups`, and of Torque.

OpenPBS and PBS Professional have `pbs_jobs.service/jobid/ID` in version 1 and
`pbs_jobs.service/jobs/ID` in version 2, where `pbs_jobs` is the hook's `cgroup_prefix`; older hooks
have `pbspro.slice/pbspro-ID.slice` with systemd, which escapes the id, and `pbspro/ID` without.
Torque has `torque/ID`.
"""

import re

from rackwatt_crds.node.units import PbsUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.units.managers.base import (
    GroupLayout,
    Lead,
    Place,
    UnitPlace,
    unescaped,
)

_ID = r"\d+(?:\[\d*\])?(?:\.[^/]+)?"
_SERVICE = re.compile(rf"pbs[^/]*\.service(?:/(?:jobid|jobs)(?:/(?P<job>{_ID}))?)?")
_SLICE = re.compile(r"(?P<prefix>pbs[^/.]*)\.slice(?:/(?P=prefix)-(?P<job>[^/]+)\.slice)?")
_PLAIN = re.compile(rf"(?:pbspro|pbs|pbs_jobs|torque)(?:/(?P<job>{_ID}))?")


class PbsLayout(GroupLayout):
    """The jobs of this machine's MOM."""

    manager = "pbs"
    waits_for = "pbs_jobs.service, pbspro.slice or torque"

    def __init__(self, host: HostPaths, settings: PbsUnits) -> None:
        del host, settings

    def place(self, path: str) -> Place:
        """Say what a control group is."""
        match = _SERVICE.fullmatch(path) or _PLAIN.fullmatch(path)
        if match is not None:
            return Lead.MANAGER if match["job"] is None else UnitPlace(match["job"])
        match = _SLICE.fullmatch(path)
        if match is None:
            return None
        return Lead.MANAGER if match["job"] is None else UnitPlace(unescaped(match["job"]))
