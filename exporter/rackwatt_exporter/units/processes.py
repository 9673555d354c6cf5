"""Variables of the processes of a unit (proc(5), /proc/PID/environ).

Reading those of another user needs CAP_SYS_PTRACE, and seeing its processes at all the process
namespace of the machine. Some processes of each group are read, so that each step has its say.
"""

from collections.abc import Callable, Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from rackwatt_exporter.units.cgroups.processes import groups_below
from rackwatt_exporter.units.environ import environ, variables

ListFiles = Callable[[Path], set[str]]

_MAX_GROUPS = 256
_PER_GROUP = 4
_MAX_LIST = 4096


class ProcessGroup(NamedTuple):
    """The id of a unit, and where its control group is."""

    unit: str
    path: str


class Environments(NamedTuple):
    """Variables of the processes that could be read. `is_denied` is whether one could not be.

    `files` are the device files of GPUs that they see, where these were wanted.
    """

    found: list[dict[str, str]]
    is_denied: bool
    files: frozenset[str] = frozenset()


def environments(
    top: str,
    procfs: Path,
    names: Collection[str],
    list_files: ListFiles | None = None,
    is_enough: Callable[[dict[str, str]], bool] | None = None,
) -> Environments:
    """Read the variables with these names of processes at and below a control group.

    No more processes are read after one whose variables are enough.
    """
    found: list[dict[str, str]] = []
    files: set[str] = set()
    denied = False
    for pid in chain.from_iterable(map(_processes, groups_below(top, _MAX_GROUPS))):
        try:
            found.append(variables(environ(procfs / pid), names))
            if list_files is not None:
                files |= list_files(procfs / pid)
        except PermissionError:
            denied = True
            continue
        except OSError:
            continue  # it has ended meanwhile
        if is_enough is not None and is_enough(found[-1]):
            break
    return Environments([one for one in found if one], denied, frozenset(files))


def every_process(top: str) -> Iterator[str]:
    """Go through the processes at and below a control group."""
    for group in groups_below(top, _MAX_GROUPS):
        try:
            with open(f"{group}/cgroup.procs", "rb") as file:
                yield from (pid for pid in file.read().decode().split() if pid != "0")
        except OSError:
            continue


def _processes(group: str) -> list[str]:
    """Return some processes of a group; 0 is one of another namespace."""
    try:
        with open(f"{group}/cgroup.procs", "rb", buffering=0) as file:
            lines = file.read(_MAX_LIST).split(b"\n")[:-1]
    except OSError:
        return []
    pids = [line.decode() for line in lines[:_PER_GROUP] if line.isdigit()]
    return [pid for pid in pids if pid != "0"]
