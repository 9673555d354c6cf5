"""Hierarchies of control groups of this machine: version 1, version 2, or both side by side.

In version 1 each controller has a hierarchy, and several may share one (`cpu,cpuacct`); names of
only one of them are then symbolic links. In version 2 all controllers are in one. A hybrid machine
has some controllers in each, and a controller counts where it is mounted: version 2's root lists
those that version 1 left to it.
"""

from pathlib import Path
from typing import NamedTuple

from rackwatt_exporter.reading import ReadError, Reason

_V2_MARK = "cgroup.controllers"
_UNIFIED = "unified"
# Where units are looked for first: in version 1 managers differ in which controllers they use.
_V1_ORDER = ("cpuacct", "memory", "cpuset", "freezer", "cpu", "pids", "devices", "blkio", "rdma")


class Hierarchy(NamedTuple):
    """One hierarchy: where it is mounted, its version, and the controllers that count there."""

    root: str
    version: int
    controllers: tuple[str, ...]


def hierarchies(cgroupfs: Path) -> tuple[Hierarchy, ...]:
    """Return the hierarchies below a mount point, those to look for units in first.

    Raises:
        ReadError: absent or permission_denied, where none can be read.
    """
    try:
        if (cgroupfs / _V2_MARK).exists():
            return (_v2(cgroupfs),)
        mounted = sorted(
            entry.name for entry in cgroupfs.iterdir() if entry.is_dir() and not entry.is_symlink()
        )
    except PermissionError:
        message = f"{cgroupfs} may not be listed: control groups are readable by every user"
        raise ReadError(Reason.PERMISSION_DENIED, message) from None
    except OSError:
        mounted = []
    found = [
        Hierarchy(str(cgroupfs / name), 1, tuple(name.split(",")))
        for name in mounted
        if set(name.split(",")) & set(_V1_ORDER)
    ]
    found.sort(key=_rank)
    if (cgroupfs / _UNIFIED / _V2_MARK).exists():
        found.append(_v2(cgroupfs / _UNIFIED))
    if not found:
        message = f"{cgroupfs} has no hierarchy of control groups: see --path.cgroupfs"
        raise ReadError(Reason.ABSENT, message)
    return tuple(found)


def _v2(root: Path) -> Hierarchy:
    try:
        controllers = tuple((root / _V2_MARK).read_text().split())
    except OSError:
        controllers = ()
    return Hierarchy(str(root), 2, controllers)


def _rank(hierarchy: Hierarchy) -> int:
    return min(_V1_ORDER.index(one) for one in hierarchy.controllers if one in _V1_ORDER)
