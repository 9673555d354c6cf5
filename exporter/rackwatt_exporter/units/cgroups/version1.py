"""What a control group of version 1 has used: one directory for each controller.

`total_` in memory.stat and `_recursive` of blkio are those of the groups below as well: a job has
its processes in groups of its steps.
"""

import math
import os
from collections.abc import Mapping
from typing import Any

from rackwatt_exporter.units.cgroups import stat_files
from rackwatt_exporter.units.cgroups.directory import GroupDirectory
from rackwatt_exporter.units.cgroups.parts import GroupLimits, Parts
from rackwatt_exporter.units.model import BlockUse

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

Directories = Mapping[str, GroupDirectory]


FILES: Mapping[str, tuple[str, ...]] = {
    "cpuacct": ("cpuacct.usage", "cpuacct.usage_user", "cpuacct.usage_sys"),
    "cpu": ("cpu.stat",),
    "memory": ("memory.stat", "memory.usage_in_bytes", "memory.failcnt"),
    "pids": ("pids.current",),
    "blkio": (
        "blkio.throttle.io_service_bytes_recursive",
        "blkio.throttle.io_serviced_recursive",
    ),
    "rdma": ("rdma.current",),
}
OLDER = ("cpuacct.stat",)  # before Linux 4.7
LIMITS: Mapping[str, tuple[str, ...]] = {
    "memory": ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    "cpu": ("cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.shares"),
    "cpuset": ("cpuset.cpus",),
}


def read(parts: Parts, groups: Directories, devices: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a UnitReading that are known.

    Raises:
        GroupGoneError: the group was removed.
    """
    for controller, names in FILES.items():
        parts.load(groups.get(controller), names)
    if "cpuacct.usage_user" not in parts.texts:
        parts.load(groups.get("cpuacct"), OLDER)
    found: dict[str, Any] = {
        **_cpu(parts),
        "memory_bytes": parts("memory.usage_in_bytes", stat_files.number),
        "memory_failures": parts("memory.failcnt", stat_files.number),
        "tasks": parts("pids.current", stat_files.number),
        "blocks": _blocks(parts, devices),
        "rdma": parts("rdma.current", stat_files.rdma),
    }
    if stat := parts("memory.stat", stat_files.memory_v1):
        found["anonymous_bytes"], found["file_bytes"], found["swap_bytes"] = stat
    return {name: value for name, value in found.items() if value is not None}


def limits(parts: Parts, groups: Directories) -> GroupLimits:
    """Return what it may use.

    Raises:
        GroupGoneError: the group was removed.
    """
    for controller, names in LIMITS.items():
        parts.load(groups.get(controller), names, often=False)
    most = parts("memory.limit_in_bytes", stat_files.limit)
    both = parts("memory.memsw.limit_in_bytes", stat_files.limit)
    period = parts("cpu.cfs_period_us", stat_files.number)
    quota = parts("cpu.cfs_quota_us", int)
    quota_cpus = None
    if period and quota is not None:
        quota_cpus = math.inf if quota < 0 else quota / period
    return GroupLimits(
        memory_bytes=most,
        swap_bytes=swap_limit(most, both),
        cpuset=parts("cpuset.cpus", stat_files.cpu_list_size) or None,
        quota_cpus=quota_cpus,
        shares=parts("cpu.shares", stat_files.number),
    )


def swap_limit(memory_bytes: float | None, both_bytes: float | None) -> float | None:
    """Return the limit of swap from those of memory, and of memory and swap together."""
    if memory_bytes is None or both_bytes is None:
        return None
    return math.inf if both_bytes == math.inf else max(0.0, both_bytes - memory_bytes)


def _cpu(parts: Parts) -> dict[str, Any]:
    user_ns = parts("cpuacct.usage_user", stat_files.number)
    system_ns = parts("cpuacct.usage_sys", stat_files.number)
    user_s = system_s = None
    if user_ns is not None and system_ns is not None:
        user_s, system_s = user_ns / 1e9, system_ns / 1e9
    elif ticks := parts("cpuacct.stat", stat_files.ticks):
        user_s, system_s = ticks[0] / _TICKS_PER_S, ticks[1] / _TICKS_PER_S
    throttled = parts("cpu.stat", stat_files.throttled_v1) or (None, None)
    return {
        "cpu_ns": parts("cpuacct.usage", stat_files.number),
        "user_s": user_s,
        "system_s": system_s,
        "throttled_periods": throttled[0],
        "throttled_s": None if throttled[1] is None else throttled[1] / 1e9,
    }


def _blocks(parts: Parts, devices: Mapping[str, str]) -> tuple[BlockUse, ...] | None:
    size = parts("blkio.throttle.io_service_bytes_recursive", stat_files.blocks_v1)
    count = parts("blkio.throttle.io_serviced_recursive", stat_files.blocks_v1)
    if size is None or count is None:
        return None
    return tuple(
        BlockUse(devices[device], *size[device], *count.get(device, (0, 0))) for device in size
    )
