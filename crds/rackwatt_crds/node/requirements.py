"""Table of the collectors and their requirements of a node.

The operator grants their union and no more. The table is here because the operator must not import
the collectors. Each requirement has a reason, which `rackwatt-operator check` shows to reviewers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class HostRequirements:
    """What a collector measures and requires; `reasons` has a reason for each field required.

    `host_paths` maps a path of the node to its read-only mount. `root` is uid 0, with only the
    capabilities in `capabilities`. `privileged` is uid 0 with all of them, and every device.
    `environment` has variables that a container runtime reads. `service_capabilities` are what a
    service of a user of its own needs in place of uid 0: systemd can give them to any user. With
    `keeps_state` it writes to a directory of the node, which outlives its pod.
    """

    measures: str
    host_paths: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    root: bool = False
    service_capabilities: tuple[str, ...] = ()
    privileged: bool = False
    host_pid: bool = False
    host_network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps_state: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)


# Read-only mounts allow a device to be opened for writing. What forbids it in a container is the
# device control group, which Kubernetes opens for privileged containers alone.
_IPMI_DEVICE: Mapping[str, Any] = MappingProxyType(
    {
        "host_paths": {"/dev": "/host/dev"},
        "root": True,
        "service_capabilities": ("DAC_OVERRIDE",),
        "privileged": True,
        "reasons": {
            "host_paths": "the BMC is the device /dev/ipmi0",
            "root": "root owns /dev/ipmi0 (mode 0600)",
            "privileged": "a container may open a device of the node only if it is privileged",
        },
    }
)

# A container's own /sys has powercap masked, so the node's is mounted as well. Root owns energy_uj
# (mode 0400), and an owner needs no capability to read: uid 0 without capabilities is enough.
REQUIREMENTS: Mapping[str, HostRequirements] = MappingProxyType(
    {
        "rapl": HostRequirements(
            measures="the energy of processors and memory by their own counters",
            host_paths={"/sys": "/host/sys"},
            root=True,
            service_capabilities=("DAC_READ_SEARCH",),
            reasons={
                "host_paths": "the energy counters are in /sys/class/powercap",
                "root": "energy_uj is readable only by root (mode 0400), since CVE-2020-8694",
            },
        ),
        "infiniband": HostRequirements(
            measures="traffic, errors and state of InfiniBand ports",
            host_paths={"/sys": "/host/sys"},
            reasons={"host_paths": "ports are in /sys/class/infiniband"},
        ),
        "cray": HostRequirements(
            measures="power and energy of a node of HPE Cray by its controller",
            host_paths={"/sys": "/host/sys"},
            reasons={"host_paths": "the controller's counters are in /sys/cray/pm_counters"},
        ),
        "hwmon": HostRequirements(
            measures="power and energy by sensors of the board",
            host_paths={"/sys": "/host/sys"},
            reasons={"host_paths": "sensors are in /sys/class/hwmon"},
        ),
        "cpu": HostRequirements(
            measures="the time of processors by mode",
            host_paths={"/proc": "/host/proc"},
            reasons={"host_paths": "processor times are in /proc/stat"},
        ),
        "netdev": HostRequirements(
            measures="traffic and errors of network interfaces",
            host_paths={"/proc": "/host/proc"},
            reasons={
                "host_paths": "counters of the node's interfaces are in /proc/1/net/dev; "
                "/proc/net/dev has those of the pod"
            },
        ),
        "memory": HostRequirements(
            measures="what memory is used for",
            host_paths={"/proc": "/host/proc"},
            reasons={"host_paths": "sizes of memory are in /proc/meminfo"},
        ),
        "amd": HostRequirements(
            measures="the energy and use of GPUs of AMD by the files of their driver",
            host_paths={"/sys": "/host/sys"},
            reasons={"host_paths": "the sensors of GPUs are in /sys/class/drm"},
        ),
        # The device files have mode 0666. Its runtime mounts them and the driver's library, which
        # has to have the version of the kernel module: an image cannot have it.
        "nvidia": HostRequirements(
            measures="the energy and use of GPUs of NVIDIA by NVML",
            environment={
                "NVIDIA_VISIBLE_DEVICES": "all",
                "NVIDIA_DRIVER_CAPABILITIES": "utility",
            },
            reasons={
                "environment": "the NVIDIA runtime provides /dev/nvidia* and libnvidia-ml.so.1 "
                "where they are set (pod.runtimeClassName: nvidia, unless it is the default)"
            },
        ),
        "ipmi": HostRequirements(
            measures="the power of the whole node by its BMC, over IPMI", **_IPMI_DEVICE
        ),
        "redfish": HostRequirements(
            measures="the power of the whole node by its BMC, over Redfish"
        ),
    }
)

# Without `hostname`, the address of the BMC is read from it.
REDFISH_BY_IPMI = HostRequirements(measures=REQUIREMENTS["redfish"].measures, **_IPMI_DEVICE)
