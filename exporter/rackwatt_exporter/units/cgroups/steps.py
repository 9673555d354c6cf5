"""Usage of the steps of a job: directories `step_*` of its control group.

They are read where a document wants them, and their files are not kept open: a job may have
thousands.
"""

import os
from collections.abc import Callable
from typing import TypeVar

from rackwatt_exporter.units.cgroups import stat_files
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.model import StepReading

T = TypeVar("T")

_PREFIX = "step_"
_MAX_BYTES = 65536


def read_steps(group: ControlGroup) -> tuple[StepReading, ...]:
    """Return the steps of a job by name; one that ends meanwhile is left out."""
    if group.v2 is not None and not group.v1:
        read, top = _read_v2, group.v2.path
    elif (cpuacct := group.v1.get("cpuacct")) is not None:
        memory = group.v1.get("memory")
        return tuple(
            _read_v1(name, cpuacct.path, memory.path if memory else None)
            for name in _names(cpuacct.path)
        )
    else:
        return ()
    return tuple(read(name, top) for name in _names(top))


def _names(top: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(top) if name.startswith(_PREFIX))
    except OSError:
        return []


def _read_v2(name: str, top: str) -> StepReading:
    cpu = _parsed(f"{top}/{name}/cpu.stat", stat_files.cpu_v2)
    memory = _parsed(f"{top}/{name}/memory.stat", stat_files.memory_v2)
    return StepReading(
        name.removeprefix(_PREFIX),
        user_s=None if cpu is None else cpu[1],
        system_s=None if cpu is None else cpu[2],
        anonymous_bytes=None if memory is None else memory[0],
        memory_bytes=_parsed(f"{top}/{name}/memory.current", stat_files.number),
    )


def _read_v1(name: str, cpuacct: str, memory: str | None) -> StepReading:
    stat = current = None
    if memory is not None:
        stat = _parsed(f"{memory}/{name}/memory.stat", stat_files.memory_v1)
        current = _parsed(f"{memory}/{name}/memory.usage_in_bytes", stat_files.number)
    return StepReading(
        name.removeprefix(_PREFIX),
        user_s=_parsed(f"{cpuacct}/{name}/cpuacct.usage_user", stat_files.seconds_of_ns),
        system_s=_parsed(f"{cpuacct}/{name}/cpuacct.usage_sys", stat_files.seconds_of_ns),
        anonymous_bytes=None if stat is None else stat[0],
        memory_bytes=current,
    )


def _parsed(path: str, parse: Callable[[bytes], T]) -> T | None:
    try:
        with open(path, "rb") as file:
            return parse(file.read(_MAX_BYTES))
    except (OSError, ValueError):
        return None
