"""Virtual machines of libvirt, by the control groups of systemd-machined and of libvirt itself.

With systemd a domain has `machine.slice/machine-qemu-ID-NAME.scope`, whose last part is escaped;
NAME is cut and lacks what a name of a machine may not have. Without, it has
`machine/qemu-ID-NAME.libvirt-qemu`. A domain with a partition of its own (libvirt, Control Groups
Resource Management) is in a slice of machine.slice, or in `NAME.partition`. Below it are groups
`vcpuN` of its CPUs, in newer versions in a group `libvirt`.

The domain's XML has its whole name and its UUID (properties/libvirt.py).
"""

import os
import re

from rackwatt_crds.node.units import LibvirtUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.managers.base import GroupLayout, Lead, Place, UnitPlace, unescaped
from rackwatt_exporter.units.model import UnitInfo
from rackwatt_exporter.units.properties.libvirt import Domains

_SCOPE = re.compile(
    r"machine\.slice(?:/machine-[^/]+\.slice)*"
    r"(?:/machine-(?P<machine>(?:qemu|lxc)\\x2d[^/]+)\.scope)?"
)
_PLAIN = re.compile(
    r"machine(?:/[^/]+\.partition)*(?:/(?P<machine>(?:qemu|lxc)-[^/]+)\.libvirt-(?:qemu|lxc))?"
)
_MACHINE = re.compile(r"(?:qemu|lxc)-(?P<id>\d+)-(?P<name>.+)")
_VCPU = re.compile(r"vcpu\d+")


class LibvirtLayout(GroupLayout):
    """The domains of this machine's libvirt."""

    manager = "libvirt"
    waits_for = "machine.slice or machine"

    def __init__(self, host: HostPaths, settings: LibvirtUnits) -> None:
        del settings
        self._domains = Domains(host.rootfs)

    def place(self, path: str) -> Place:
        """Say what a control group is; the unit is the name that the group has."""
        match = _SCOPE.fullmatch(path) or _PLAIN.fullmatch(path)
        if match is None:
            return None
        if match["machine"] is None:
            return Lead.MANAGER
        machine = _MACHINE.fullmatch(unescaped(match["machine"]))
        return None if machine is None else UnitPlace(machine["name"])

    def cpus(self, group: ControlGroup) -> float | None:
        """Return how many virtual CPUs it has."""
        for path in group.paths:
            for below in (f"{path}/libvirt", path):
                if count := _vcpus(below):
                    return float(count)
        return None

    def info(self, group: ControlGroup) -> UnitInfo:
        """Return the UUID and the name of its XML."""
        return self._domains.info(domain_id(group.path), group.key.unit)


def domain_id(path: str) -> str:
    """Return the id that libvirt gave a running domain, by its control group; empty without one."""
    match = _SCOPE.fullmatch(path) or _PLAIN.fullmatch(path)
    machine = _MACHINE.fullmatch(unescaped(match["machine"] or "")) if match else None
    return machine["id"] if machine else ""


def _vcpus(path: str) -> int:
    try:
        return sum(1 for name in os.listdir(path) if _VCPU.fullmatch(name))
    except OSError:
        return 0
