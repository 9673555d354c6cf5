"""Usage of a control group of version 2: one directory, with a file for each number.

All files count the groups below as well. Which of them there are depends on the controllers that
are enabled for the group; `cpu.stat` has the CPU time in any case.
"""

from collections.abc import Mapping
from functools import partial

from rackwatt_exporter.units.cgroups import stat_files
from rackwatt_exporter.units.cgroups.directory import GroupDirectory
from rackwatt_exporter.units.cgroups.parts import FileFields, GroupLimits, Parts, Table

LIMITS: Table = {
    "memory.max": FileFields(stat_files.limit, "memory_bytes"),
    "memory.swap.max": FileFields(stat_files.limit, "swap_bytes"),
    "cpuset.cpus": FileFields(stat_files.cpu_list_size, "own"),
    "cpuset.cpus.effective": FileFields(stat_files.cpu_list_size, "effective"),
    "cpu.max": FileFields(stat_files.cpu_quota, "quota_cpus"),
    "cpu.weight": FileFields(stat_files.number, "weight"),
}


def table(devices: Mapping[str, str]) -> Table:
    """Return the files that are read; `devices` has the names of block devices."""
    return {
        "cpu.stat": FileFields(
            stat_files.cpu_v2,
            ("cpu_ns", "user_s", "system_s", "throttled_periods", "throttled_s"),
        ),
        "memory.stat": FileFields(stat_files.memory_v2, ("anonymous_bytes", "file_bytes")),
        "memory.current": FileFields(stat_files.number, "memory_bytes"),
        "memory.events": FileFields(stat_files.events, ("memory_failures", "ooms", "oom_kills")),
        "memory.swap.current": FileFields(stat_files.number, "swap_bytes"),
        "memory.swap.events": FileFields(stat_files.swap_failures, "swap_failures"),
        "cpu.pressure": FileFields(stat_files.pressure, "cpu_pressure"),
        "memory.pressure": FileFields(stat_files.pressure, "memory_pressure"),
        "io.pressure": FileFields(stat_files.pressure, "io_pressure"),
        "pids.current": FileFields(stat_files.number, "tasks"),
        "io.stat": FileFields(partial(stat_files.blocks_v2, names=devices), "blocks"),
        "rdma.current": FileFields(stat_files.rdma, "rdma"),
    }


def limits(parts: Parts, group: GroupDirectory) -> GroupLimits:
    """Return what it may use; its CPUs only where it has a set of its own, not its parent's.

    Raises:
        GroupGoneError: the group was removed.
    """
    found = parts.limits(group, LIMITS)
    own, effective = found.pop("own", None), found.pop("effective", None)
    return GroupLimits(**found, cpuset=effective if own else None)
