"""Pods of Kubernetes, by the control groups that the kubelet makes (its `--cgroup-driver`).

The driver cgroupfs has `kubepods/[QOS/]podUID`; the driver systemd has
`kubepods.slice/kubepods-[QOS-]podUID.slice`, where a UID has `_` for `-`. QOS is `burstable` or
`besteffort`, and a guaranteed pod has none. With `--cgroup-root` all is below that, which may have
any name at the top. The groups of containers are below those of pods, by whatever name containerd,
CRI-O or Docker give them.

The kubelet turns the request for CPUs of a pod into a weight: `cpu.shares`, 1024 for each CPU, or
`cpu.weight` of version 2, which is coarser.

Names and namespaces are in the names of other directories (properties/kubernetes.py).
"""

import re

from rackwatt_crds.node.units import KubernetesUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.managers.base import GroupLayout, Lead, Place, UnitPlace
from rackwatt_exporter.units.model import UnitInfo
from rackwatt_exporter.units.properties.kubernetes import PodNames

_UID = r"(?P<uid>[0-9a-z_-]+)"
_CGROUPFS = re.compile(rf"(?:[^/]+/)?kubepods(?:/(?:burstable|besteffort))?(?:/pod{_UID})?")
_SYSTEMD = re.compile(
    r"(?:[^/]+\.slice/)?(?P<root>[^/]*kubepods)\.slice"
    r"(?:/(?P=root)-(?P<qos>burstable|besteffort)\.slice)?"
    rf"(?:/(?P=root)(?:-(?:burstable|besteffort))?-pod{_UID}\.slice)?"
)
_ROOTS = re.compile(r"[^/]+")
_SHARES_PER_CPU = 1024
_LEAST_SHARES, _MOST_SHARES = 2, 262144  # the least is what a pod without a request has


class KubernetesLayout(GroupLayout):
    """The pods of this machine's kubelet."""

    manager = "kubernetes"
    waits_for = "kubepods or kubepods.slice"

    def __init__(self, host: HostPaths, settings: KubernetesUnits) -> None:
        del settings
        self._names = PodNames(host.rootfs)
        self.problem: ReadError | None = None

    def place(self, path: str) -> Place:
        """Say what a control group is; those of the classes of QOS are no pods."""
        match = _SYSTEMD.fullmatch(path) or _CGROUPFS.fullmatch(path)
        if match is None:
            return Lead.OUTSIDE if _ROOTS.fullmatch(path) else None
        uid = match["uid"]
        return Lead.MANAGER if uid is None else UnitPlace(uid.replace("_", "-"))

    def cpus(self, group: ControlGroup) -> float | None:
        """Return the CPUs that a pod requests: none, where it requests none."""
        limits = group.limits
        shares = limits.shares
        if shares is None and limits.weight is not None:
            shares = shares_of(limits.weight)
        if shares is None:
            return None
        return 0.0 if shares <= _LEAST_SHARES else shares / _SHARES_PER_CPU

    def info(self, group: ControlGroup) -> UnitInfo:
        """Return its UID, and its name and namespace once the kubelet has made its directory."""
        try:
            info = self._names.info(group.key.unit)
        except ReadError as error:
            self.problem = error
            return UnitInfo(uuid=group.key.unit)
        self.problem = None
        return info


def shares_of(weight: int) -> int:
    """Return the shares of version 1 that the kubelet turned into a weight of version 2."""
    span = _MOST_SHARES - _LEAST_SHARES
    return _LEAST_SHARES + (weight - 1) * span // 9999
