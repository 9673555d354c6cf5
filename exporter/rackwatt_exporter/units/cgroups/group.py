"""One unit's control group in all hierarchies, read as a whole.

What moves is read each time. Limits seldom change: they are read at the first few readings, while
the manager sets them, and each minute. So five hundred jobs cost a dozen small reads each.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rackwatt_exporter.units.cgroups import processes, version1, version2
from rackwatt_exporter.units.cgroups.directory import DescriptorBudget, GroupDirectory
from rackwatt_exporter.units.cgroups.hierarchies import Hierarchy
from rackwatt_exporter.units.cgroups.hot_files import FileTable, HotFiles
from rackwatt_exporter.units.cgroups.parts import GroupLimits, Parts
from rackwatt_exporter.units.cgroups.stat_files import is_populated, number
from rackwatt_exporter.units.model import StepReading, UnitGpu, UnitInfo, UnitKey, UnitReading

LIMITS_S = 60.0
EVENTS = "cgroup.events"
_YOUNG_READS = 8
_READ = version1.CONTROLLERS.keys() | version1.LIMITS.keys()


class Tables:
    """How the files of control groups are read, for all groups of a source."""

    __slots__ = ("devices", "v1", "v2")

    def __init__(self, devices: Mapping[str, str]) -> None:
        self.devices = devices
        self.v1 = FileTable(version1.TABLE)
        self.v2 = FileTable(version2.table(devices))


class ControlGroup:
    """The control group of one unit. `v1` has a directory for each controller of version 1.

    `path` is that below the hierarchies, `inode` that of the hierarchy it was found in. With
    `is_unit` it has had a process. `events` is the path of `cgroup.events` of version 2, and
    `is_populated` what it said last.
    """

    __slots__ = (
        "_budget",
        "_directories",
        "_files_v1",
        "_files_v2",
        "_limits_at_s",
        "_reads",
        "_tables",
        "_unread",
        "_witness",
        "events",
        "gpus",
        "identity",
        "info",
        "inode",
        "is_populated",
        "is_unit",
        "key",
        "limits",
        "nodelist",
        "path",
        "reading",
        "v1",
        "v2",
    )

    def __init__(
        self,
        key: UnitKey,
        path: str,
        inode: int,
        boot: str,
        budget: DescriptorBudget,
        tables: Tables,
    ) -> None:
        self.key = key
        self.path = path
        self.inode = inode
        self.identity = f"{boot}-{inode:x}"
        self.v1: dict[str, GroupDirectory] = {}
        self.v2: GroupDirectory | None = None
        self.info = UnitInfo()
        self.nodelist = ""
        self.gpus: tuple[UnitGpu, ...] = ()
        self.limits = GroupLimits()
        self.reading: UnitReading | None = None
        self.is_unit = False
        self.is_populated: bool | None = None
        self.events = ""
        self._budget = budget
        self._directories: dict[str, GroupDirectory] = {}
        self._tables = tables
        self._files_v1: HotFiles | None = None
        self._files_v2: HotFiles | None = None
        self._unread: dict[str, str] = {}
        self._limits_at_s = -math.inf
        self._reads = 0
        self._witness: str | None = None

    def open(self, mounted: Iterable[Hierarchy]) -> bool:
        """Open it in each hierarchy where it is by now; return whether it is in any.

        A manager makes it in one hierarchy after the other.

        Raises:
            OSError: it may not be opened.
        """
        for hierarchy in mounted:
            if hierarchy.root in self._directories:
                continue
            if hierarchy.version == 1 and not _READ.intersection(hierarchy.controllers):
                self._unread[hierarchy.root] = f"{hierarchy.root}/{self.path}"
                continue
            try:
                opened = GroupDirectory(f"{hierarchy.root}/{self.path}", self._budget)
            except FileNotFoundError:
                continue
            self._directories[hierarchy.root] = opened
            if hierarchy.version == 2:
                self.v2 = opened
                self.events = f"{opened.path}/{EVENTS}"
                self._files_v2 = HotFiles(self._tables.v2)
                self._files_v2.add(opened, tuple(self._tables.v2.rows))
            else:
                self.v1.update(dict.fromkeys(hierarchy.controllers, opened))
                self._files_v1 = self._files_v1 or HotFiles(self._tables.v1)
                self._files_v1.add(opened, version1.names(hierarchy.controllers))
        return bool(self._directories or self._unread)

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it is in each hierarchy."""
        read = (directory.path for directory in self._directories.values())
        return (*read, *self._unread.values())

    def read(
        self,
        parts: Parts,
        now_s: float,
        mounted: Iterable[Hierarchy],
        cpus: Callable[["ControlGroup"], float | None],
        steps: Callable[["ControlGroup"], tuple[StepReading, ...]] | None = None,
    ) -> UnitReading:
        """Read everything; `cpus` says how many it holds. What is wrong is added to `parts`.

        Raises:
            GroupGoneError: it was removed.
        """
        if now_s - self._limits_at_s >= LIMITS_S or self._reads < _YOUNG_READS:
            self._reads += 1
            self.open(mounted)
            self._read_limits(parts)
            self._limits_at_s = now_s
        found: dict[str, Any] = {}
        if self._files_v2 is not None:
            found = self._files_v2.read(parts)
        if self._files_v1 is not None:
            found |= version1.read(parts, self._files_v1, self.v1, self._tables.devices)
        self.reading = UnitReading(
            self.key,
            self.identity,
            cpus=cpus(self),
            memory_limit_bytes=self.limits.memory_bytes,
            swap_limit_bytes=self.limits.swap_bytes,
            steps=steps(self) if steps else (),
            gpus=self.gpus,
            info=self.info,
            nodelist=self.nodelist,
            **found,
        )
        return self.reading

    def has_processes(self) -> bool:
        """Return whether a process is in it or below it; true where that cannot be seen.

        Raises:
            GroupGoneError: it was removed.
            OSError: it may not be read.
            ValueError: the file has another format.
        """
        if self.v2 is not None:
            text = self.v2.text(EVENTS)
            self.is_populated = text is None or is_populated(text)
            return self.is_populated
        if "pids" in self.v1 and (text := self.v1["pids"].text("pids.current")):
            return number(text) > 0
        self._witness = processes.witness(self.paths, self._witness)
        return self._witness is not None

    def close(self) -> None:
        """Close all files."""
        for directory in self._directories.values():
            directory.close()

    def _read_limits(self, parts: Parts) -> None:
        self.is_populated = None  # for where the kernel does not report changes after all
        for files in (self._files_v1, self._files_v2):
            if files is not None:
                files.refresh()
        self.limits = GroupLimits()
        if self.v2 is not None:
            self.limits = version2.limits(parts, self.v2)
        if self.v1:
            self.limits = self.limits.under(version1.limits(parts, self.v1))
