"""The collectors, and what each needs of its node: the operator grants the union and no more.

The table is here rather than beside the collectors because the operator must know it without
loading them. Every need has its reason, which `rackwatt-operator check` shows to those who decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Needs:
    """What one collector measures and needs; `reasons` says why, by the name of the need.

    `host_paths` maps a path of the node to where it is mounted, read-only. `root` is uid 0, whose
    capabilities are those named in `capabilities` and no other.
    """

    measures: str
    host_paths: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    root: bool = False
    host_pid: bool = False
    host_network: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)


# A container's own /sys has powercap masked, so the node's is mounted beside it. To read a file of
# mode 0400, its owner takes no capability, and root owns energy_uj: uid 0 with none is enough.
NEEDS: Mapping[str, Needs] = MappingProxyType(
    {
        "rapl": Needs(
            measures="the energy of processors and memory by their own counters",
            host_paths={"/sys": "/host/sys"},
            root=True,
            reasons={
                "host_paths": "the energy counters stand in /sys/class/powercap",
                "root": "energy_uj is readable by root alone (mode 0400), since CVE-2020-8694",
            },
        ),
        "cpu": Needs(
            measures="the time of processors by mode",
            host_paths={"/proc": "/host/proc"},
            reasons={"host_paths": "the processors' seconds stand in /proc/stat"},
        ),
    }
)
