"""Table of the managers of units and their requirements of a node.

It is beside that of the collectors (requirements.py), for the same reasons: the operator grants the
union of both and no more. Every user may read control groups, so most managers need to see them and
nothing else; names and UUIDs that they lack are for root alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from rackwatt_crds.model import Model
from rackwatt_crds.node.requirements import REDFISH_BY_IPMI, REQUIREMENTS, HostRequirements

_GROUPS = {"/sys": "/host/sys", "/proc": "/host/proc"}
_WHY_GROUPS = "control groups are in /sys/fs/cgroup, names of block devices in /proc/diskstats"

# Who holds which GPU is in the variables of processes, which belong to all users. It is granted
# where a document names a collector of GPUs, and not where `auto` may find some.
GPU_COLLECTORS = frozenset({"nvidia", "amd"})
GPU_MANAGERS = frozenset({"slurm", "pbs", "gridengine", "kubernetes"})
GPU_REQUIREMENTS = HostRequirements(
    measures="which unit holds which GPU",
    host_paths={"/proc": "/host/proc"},
    capabilities=("SYS_PTRACE",),
    root=True,
    host_pid=True,
    reasons={
        "host_paths": "the variables of processes are in /proc",
        "capabilities": "variables of other users' processes, which say who holds a GPU, are "
        "readable only with it",
        "root": "added capabilities reach no user but root",
        "host_pid": "control groups list the processes of the container's namespace alone",
    },
)

ENVIRONMENT_REQUIREMENTS = replace(
    GPU_REQUIREMENTS,
    measures="whose a job is",
    reasons={
        **GPU_REQUIREMENTS.reasons,
        "capabilities": "variables of other users' processes, which say whose a job is, are "
        "readable only with it",
    },
)

PROFILING_REQUIREMENTS = HostRequirements(
    measures="processes of units",
    host_paths={"/proc": "/host/proc"},
    host_pid=True,
    reasons={
        "host_paths": "the command lines of processes are in /proc",
        "host_pid": GPU_REQUIREMENTS.reasons["host_pid"],
    },
)

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
            service_capabilities=("DAC_READ_SEARCH",),
            reasons={
                "host_paths": f"{_WHY_GROUPS}; libvirt's XML has names and UUIDs of domains",
                "root": "libvirt writes the XML of a domain for root alone (mode 0600)",
            },
        ),
        "kubernetes": HostRequirements(
            measures="pods of Kubernetes",
            host_paths={**_GROUPS, "/var/log/pods": "/host/root/var/log/pods"},
            root=True,
            service_capabilities=("DAC_READ_SEARCH",),
            reasons={
                "host_paths": f"{_WHY_GROUPS}; the names of the directories in /var/log/pods have "
                "namespace, name and UID of each pod",
                "root": "the kubelet makes /var/log/pods for root alone (mode 0750)",
            },
        ),
    }
)


def service_capabilities() -> list[str]:
    """Return the capabilities that a service needs for everything that can be measured."""
    rows = (*REQUIREMENTS.values(), *UNIT_REQUIREMENTS.values(), GPU_REQUIREMENTS)
    return sorted(
        {one for row in rows for one in (*row.capabilities, *row.service_capabilities)}
        | set(REDFISH_BY_IPMI.service_capabilities)
    )


# Paths that the fields of a manager name: directories that a prolog writes into, and one file.
_PATHS = {
    "properties_directory": ("propertiesDirectory", "a prolog writes whose a job is into it"),
    "gpu_map_directory": ("gpuMapDirectory", "a prolog writes which job has which GPU into it"),
    "gres_conf": ("gresConf", "it says which GPU has which number of Slurm"),
}


def required_by_units(units: Mapping[str, Model]) -> dict[str, HostRequirements]:
    """Return what each manager requires with the settings of a document, by `units.NAME`."""
    required = {}
    for manager, settings in units.items():
        required[f"units.{manager}"] = UNIT_REQUIREMENTS[manager]
        for field, (name, why) in _PATHS.items():
            if (path := getattr(settings, field, None)) is not None:
                required[f"units.{manager}.{name}"] = HostRequirements(
                    measures=why,
                    host_paths={path: f"/host/root{path}"},
                    reasons={"host_paths": why},
                )
        if getattr(settings, "environment", None):
            required[f"units.{manager}.environment"] = ENVIRONMENT_REQUIREMENTS
    return required
