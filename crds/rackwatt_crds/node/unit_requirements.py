"""Table of the managers of units and their requirements of a node.

It is beside that of the collectors (requirements.py), for the same reasons: the operator grants the
union of both and no more. Every user may read control groups, so most managers need to see them and
nothing else.
"""

from collections.abc import Mapping
from types import MappingProxyType

from rackwatt_crds.node.requirements import HostRequirements

_GROUPS = {"/sys": "/host/sys", "/proc": "/host/proc"}
_WHY_GROUPS = "control groups are in /sys/fs/cgroup, names of block devices in /proc/diskstats"

UNIT_REQUIREMENTS: Mapping[str, HostRequirements] = MappingProxyType(
    {
        "slurm": HostRequirements(
            measures="jobs of Slurm",
            host_paths=_GROUPS,
            reasons={"host_paths": _WHY_GROUPS},
        ),
        "pbs": HostRequirements(
            measures="jobs of PBS and Torque",
            host_paths=_GROUPS,
            reasons={"host_paths": _WHY_GROUPS},
        ),
        "gridengine": HostRequirements(
            measures="jobs of Grid Engine",
            host_paths=_GROUPS,
            reasons={"host_paths": _WHY_GROUPS},
        ),
        "libvirt": HostRequirements(
            measures="virtual machines of libvirt",
            host_paths={
                **_GROUPS,
                "/run/libvirt": "/host/root/run/libvirt",
                "/etc/libvirt": "/host/root/etc/libvirt",
            },
            root=True,
            reasons={
                "host_paths": f"{_WHY_GROUPS}; libvirt's XML has names and UUIDs of domains",
                "root": "libvirt writes the XML of a domain for root alone (mode 0600)",
            },
        ),
        "kubernetes": HostRequirements(
            measures="pods of Kubernetes",
            host_paths=_GROUPS,
            reasons={"host_paths": _WHY_GROUPS},
        ),
    }
)
