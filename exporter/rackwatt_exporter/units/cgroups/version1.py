"""Usage of a control group of version 1: one directory for each controller.

`total_` in memory.stat and `_recursive` of blkio are those of the groups below as well: a job has
its processes in groups of its steps.
"""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from rackwatt_exporter.units.cgroups import stat_files
from rackwatt_exporter.units.cgroups.directory import GroupDirectory
from rackwatt_exporter.units.cgroups.hot_files import HotFiles
from rackwatt_exporter.units.cgroups.parts import FileFields, GroupLimits, Parts, Table
from rackwatt_exporter.units.model import BlockUse

# The files of each controller, and the fields of a UnitReading that they have.
CONTROLLERS: Mapping[str, Table] = {
    "cpuacct": {
        "cpuacct.usage": FileFields(stat_files.number, "cpu_ns"),
        "cpuacct.usage_user": FileFields(stat_files.seconds_of_ns, "user_s"),
        "cpuacct.usage_sys": FileFields(stat_files.seconds_of_ns, "system_s"),
    },
    "cpu": {
        "cpu.stat": FileFields(stat_files.throttled_v1, ("throttled_periods", "throttled_s")),
    },
    "memory": {
        "memory.stat": FileFields(
            stat_files.memory_v1, ("anonymous_bytes", "file_bytes", "swap_bytes")
        ),
        "memory.usage_in_bytes": FileFields(stat_files.number, "memory_bytes"),
        "memory.failcnt": FileFields(stat_files.number, "memory_failures"),
    },
    "pids": {"pids.current": FileFields(stat_files.number, "tasks")},
    "blkio": {
        "blkio.throttle.io_service_bytes_recursive": FileFields(stat_files.blocks_v1, "sizes"),
        "blkio.throttle.io_serviced_recursive": FileFields(stat_files.blocks_v1, "counts"),
    },
    "rdma": {"rdma.current": FileFields(stat_files.rdma, "rdma")},
}
TABLE: Table = {name: row for files in CONTROLLERS.values() for name, row in files.items()}
OLDER: Table = {"cpuacct.stat": FileFields(stat_files.seconds_of_ticks, ("user_s", "system_s"))}
LIMITS: Mapping[str, Table] = {
    "memory": {
        "memory.limit_in_bytes": FileFields(stat_files.limit, "memory_bytes"),
        "memory.memsw.limit_in_bytes": FileFields(stat_files.limit, "both_bytes"),
    },
    "cpu": {
        "cpu.cfs_period_us": FileFields(stat_files.number, "period_us"),
        "cpu.cfs_quota_us": FileFields(int, "quota_us"),
        "cpu.shares": FileFields(stat_files.number, "shares"),
    },
    "cpuset": {"cpuset.cpus": FileFields(stat_files.cpu_list_size, "cpuset")},
}


@cache
def names(controllers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the files that are read of a hierarchy of these controllers."""
    mounted = (files for one, files in CONTROLLERS.items() if one in controllers)
    return tuple(name for files in mounted for name in files)


def read(
    parts: Parts,
    files: HotFiles,
    groups: Mapping[str, GroupDirectory],
    devices: Mapping[str, str],
) -> dict[str, Any]:
    """Return the fields of a UnitReading that are known.

    Raises:
        GroupGoneError: the group was removed.
    """
    found = files.read(parts)
    if "user_s" not in found and "cpuacct" in groups:  # before Linux 4.7
        found |= parts.fields(groups["cpuacct"], tuple(OLDER), OLDER)
    sizes, counts = found.pop("sizes", None), found.pop("counts", None)
    if sizes is not None and counts is not None:
        found["blocks"] = tuple(
            [
                BlockUse(devices[device], *sizes[device], *counts.get(device, (0, 0)))
                for device in sizes
            ]
        )
    return found


def limits(parts: Parts, groups: Mapping[str, GroupDirectory]) -> GroupLimits:
    """Return what it may use.

    Raises:
        GroupGoneError: the group was removed.
    """
    found: dict[str, Any] = {}
    for controller, files in LIMITS.items():
        if controller in groups:
            found |= parts.limits(groups[controller], files)
    most = found.get("memory_bytes")
    period_us, quota_us = found.get("period_us"), found.get("quota_us")
    quota_cpus = None
    if period_us and quota_us is not None:
        quota_cpus = math.inf if quota_us < 0 else quota_us / period_us
    return GroupLimits(
        memory_bytes=most,
        swap_bytes=swap_limit(most, found.get("both_bytes")),
        cpuset=found.get("cpuset") or None,
        quota_cpus=quota_cpus,
        shares=found.get("shares"),
    )


def swap_limit(memory_bytes: float | None, both_bytes: float | None) -> float | None:
    """Return the limit of swap from those of memory, and of memory and swap together."""
    if memory_bytes is None or both_bytes is None:
        return None
    return math.inf if both_bytes == math.inf else max(0.0, both_bytes - memory_bytes)
