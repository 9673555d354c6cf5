"""What a control group of version 2 has used: one directory, with a file for each number.

All files count the groups below as well. Which of them there are depends on the controllers that
are enabled for the group; `cpu.stat` has the CPU time in any case.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from rackwatt_exporter.units.cgroups import stat_files
from rackwatt_exporter.units.cgroups.directory import GroupDirectory
from rackwatt_exporter.units.cgroups.parts import GroupLimits, Parts

FILES = (
    "cpu.stat",
    "memory.stat",
    "memory.current",
    "memory.events",
    "memory.swap.current",
    "memory.swap.events",
    "cpu.pressure",
    "memory.pressure",
    "io.pressure",
    "pids.current",
    "io.stat",
    "rdma.current",
)
LIMITS = (
    "memory.max",
    "memory.swap.max",
    "cpuset.cpus",
    "cpuset.cpus.effective",
    "cpu.max",
    "cpu.weight",
)


def read(parts: Parts, group: GroupDirectory, devices: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a UnitReading.

    Raises:
        GroupGoneError: the group was removed.
    """
    parts.load(group, FILES)
    found: dict[str, Any] = {
        "memory_bytes": parts("memory.current", stat_files.number),
        "swap_bytes": parts("memory.swap.current", stat_files.number),
        "swap_failures": parts("memory.swap.events", stat_files.swap_failures),
        "cpu_pressure": parts("cpu.pressure", stat_files.pressure),
        "memory_pressure": parts("memory.pressure", stat_files.pressure),
        "io_pressure": parts("io.pressure", stat_files.pressure),
        "tasks": parts("pids.current", stat_files.number),
        "blocks": parts("io.stat", partial(stat_files.blocks_v2, names=devices)) or (),
        "rdma": parts("rdma.current", stat_files.rdma) or (),
    }
    if memory := parts("memory.stat", stat_files.memory_v2):
        found["anonymous_bytes"], found["file_bytes"] = memory
    if events := parts("memory.events", stat_files.events):
        found["memory_failures"], found["ooms"], found["oom_kills"] = events
    if cpu := parts("cpu.stat", stat_files.cpu_v2):
        usage_us, user_us, system_us, periods, throttled_us = cpu
        found["cpu_ns"] = usage_us * 1000
        found["user_s"], found["system_s"] = user_us / 1e6, system_us / 1e6
        found["throttled_periods"] = periods
        found["throttled_s"] = None if throttled_us is None else throttled_us / 1e6
    return found


def limits(parts: Parts, group: GroupDirectory) -> GroupLimits:
    """Return what it may use; its CPUs only where it has a set of its own, not its parent's.

    Raises:
        GroupGoneError: the group was removed.
    """
    parts.load(group, LIMITS, often=False)
    is_bound = parts("cpuset.cpus", stat_files.cpu_list_size)
    return GroupLimits(
        memory_bytes=parts("memory.max", stat_files.limit),
        swap_bytes=parts("memory.swap.max", stat_files.limit),
        cpuset=parts("cpuset.cpus.effective", stat_files.cpu_list_size) if is_bound else None,
        quota_cpus=parts("cpu.max", stat_files.cpu_quota),
        weight=parts("cpu.weight", stat_files.number),
    )
