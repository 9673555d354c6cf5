"""Reads the units of one manager: all of them at each poll, newborn ones in between.

A unit that comes and goes between two polls would leave nothing. So the kernel's word of a birth
(births.py) has it read soon after, again and again until the next poll would do so, and its last
reading is kept: a unit that is gone is returned once, as ended. One that fails costs itself alone.
"""

import asyncio
import time
from collections.abc import Callable, Collection

from msgspec.structs import replace

from rackwatt_crds.wording import counted
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units.births import Births
from rackwatt_exporter.units.cgroups.block_devices import BlockDevices
from rackwatt_exporter.units.cgroups.directory import (
    DescriptorBudget,
    GroupGoneError,
    shared_budget,
)
from rackwatt_exporter.units.cgroups.group import ControlGroup, Tables
from rackwatt_exporter.units.cgroups.hierarchies import Hierarchy, hierarchies
from rackwatt_exporter.units.cgroups.parts import Parts
from rackwatt_exporter.units.gpus.unit_gpus import UnitGpus
from rackwatt_exporter.units.managers.base import Layout
from rackwatt_exporter.units.model import UnitKey, UnitReading, UnitsResult
from rackwatt_exporter.units.properties.finder import PropertyFinder
from rackwatt_exporter.units.properties.job import job_info
from rackwatt_exporter.units.tree import FoundGroup, UnitTree

YOUNG_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_AT_ONCE = 100
_MAX_ENDED = 10000
_MAX_NAMED = 5
_MAX_ID = 300


class UnitSource:
    """The units of one manager on this machine."""

    def __init__(
        self,
        layout: Layout,
        host: HostPaths,
        boot: str,
        gpus: UnitGpus | None = None,
        properties: PropertyFinder | None = None,
        budget: DescriptorBudget | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._layout = layout
        self._cgroupfs = host.cgroupfs
        self._budget = shared_budget() if budget is None else budget
        self._boot = boot
        self._gpus = gpus
        self._properties = properties
        self._clock = clock
        self._tables = Tables(BlockDevices(host.procfs))
        self._tree = UnitTree(layout)
        self._mounted: tuple[Hierarchy, ...] = ()
        self.groups: dict[str, ControlGroup] = {}
        self._by_events: dict[str, ControlGroup] = {}
        self._ended: list[UnitReading] = []
        self._problems: list[str] = []
        self._unread: set[str] = set()
        self._births = Births(self._changed)
        self._timers: set[asyncio.TimerHandle] = set()

    async def read(self) -> UnitsResult:
        """Read every unit.

        Raises:
            ReadError: absent or permission_denied, where this machine has no control groups.
        """
        self._births.start()
        self._births.report()
        self._problems = []
        self._unread = set()
        self._find()
        units: dict[UnitKey, ControlGroup] = {}
        are_distinct = True
        for number, group in enumerate(list(self.groups.values())):
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)  # five thousand units take a third of a second
            if self.groups.get(group.path) is not group:
                continue
            reading = self._read(group)
            if reading is not None and units.setdefault(group.key, group) is not group:
                self._problems.append(f"{group.path}: {group.key.unit} is another group's id")
                are_distinct = False
        self._complete(units.values())
        readings = tuple(filter(None, (group.reading for group in units.values())))
        ended, self._ended = tuple(self._ended), []
        waits_for = "" if self._tree.directories else self._layout.waits_for
        return UnitsResult(
            readings,
            ended,
            self._error(),
            waits_for,
            unknown=self._properties.problem if self._properties is not None else "",
            unread=frozenset(self._unread),
            is_complete=are_distinct and not self._tree.unreadable,
            knows_gpus=self._gpus is None or self._gpus.problem is None,
        )

    async def close(self) -> None:
        """Close all files, and end the watches."""
        for timer in self._timers:
            timer.cancel()
        self._births.close()
        if self._gpus is not None:
            self._gpus.close()
        for group in self.groups.values():
            group.close()
        self.groups.clear()

    def _find(self) -> None:
        """Look for units that are new or gone."""
        if self._tree.is_due(self._clock()):
            self._discover()
        found = self._tree.look()
        if self.groups and not self._tree.directories:
            self._discover()  # the manager is gone, or what its groups were mounted in
            found = self._tree.look()
        if self._watch():
            found = self._tree.look()  # what was made before the kernel had the watch
        for path, group in list(self.groups.items()):
            one = found.get(path)
            if one is None or one.inode != group.inode:
                self._end(group)
        for path in found.keys() - self.groups.keys():
            self._begin(found[path])

    def _discover(self) -> None:
        """Look for the manager in what is mounted now.

        Raises:
            ReadError: absent or permission_denied, where there are no control groups.
        """
        self._mounted = hierarchies(self._cgroupfs)
        self._tree.discover(self._mounted, self._clock())

    def _watch(self) -> bool:
        """Have the kernel report units; return whether it does so for a further directory."""
        are_new = [self._births.watch_directory(one) for one in self._tree.directories]
        return any(are_new)

    def _begin(self, found: FoundGroup) -> None:
        """Open the group of a unit; it may be gone by now, and then is none."""
        key = UnitKey(self._layout.manager, printable(found.unit, _MAX_ID))
        group = ControlGroup(key, found.path, found.inode, self._boot, self._budget, self._tables)
        try:
            is_there = group.open(self._mounted)
        except OSError as error:
            self._problems.append(f"{found.path}: {error.strerror}")
            self._unread.add(key.unit)
            group.close()
            return
        if not is_there:
            return
        self.groups[found.path] = group
        if group.events:
            self._births.watch_file(group.events)
            self._by_events[group.events] = group

    def _read(self, group: ControlGroup) -> UnitReading | None:
        """Read one unit; one whose last process has ended is read for the last time."""
        try:
            lives = self._lives(group)
            if not lives and not group.is_unit:
                return None
            # A manager may name a unit after it has made its group; a job has its name elsewhere.
            if self._properties is None and not group.info.name:
                group.info = self._layout.info(group)
            parts = Parts()
            reading = group.read(
                parts,
                self._clock(),
                self._mounted,
                self._layout.cpus,
                self._layout.steps,
            )
        except GroupGoneError:
            self._end(group)
            return None
        except (OSError, ValueError) as error:
            self._problems.append(f"{group.path}: {error}")
            self._unread.add(group.key.unit)
            return None
        if parts.problems:
            self._problems += [f"{group.path}: {problem}" for problem in parts.problems]
        group.is_unit = lives
        if not lives:
            self._keep(group)
            return None
        return reading

    def _lives(self, group: ControlGroup) -> bool:
        """Return whether a process is in a group; not read again while the kernel would report it.

        Raises:
            GroupGoneError: it was removed.
            OSError: it may not be read.
            ValueError: the file has another format.
        """
        if group.is_populated is None or not self._births.is_watched(group.events):
            return group.has_processes()
        return group.is_populated

    def _end(self, group: ControlGroup) -> None:
        """Close a group that is gone."""
        del self.groups[group.path]
        self._keep(group)
        if group.events:
            self._births.forget(group.events)
            self._by_events.pop(group.events, None)
        group.close()

    def _keep(self, group: ControlGroup) -> None:
        """Keep the last reading of a unit that has ended, to be returned once."""
        if group.reading is not None and len(self._ended) < _MAX_ENDED:
            self._ended.append(replace(group.reading, has_ended=True))
        group.reading = None

    def _changed(self, paths: Collection[str | None]) -> None:
        """Look at what the kernel has reported: a birth, a death, or the end of a process."""
        others = [path for path in paths if path is None or path not in self._by_events]
        if None in paths:  # events were lost
            for group in self.groups.values():
                group.is_populated = None
        for group in [self._by_events[path] for path in paths if path in self._by_events]:
            group.is_populated = None
            self._read(group)
        if not others:
            return
        before = set(self.groups)
        self._find_quietly()
        for born in self.groups.keys() - before:
            self._read_young(self.groups[born], 0)

    def _complete(self, groups: Collection[ControlGroup]) -> None:
        """Note in the readings of units whose they are, and which GPUs they hold."""
        if self._properties is not None:
            for group, known in self._properties.find(groups):
                manager, unit = group.key
                group.info = job_info(manager, self._properties.job(unit), known)
                group.nodelist = known.nodelist
                if group.reading is not None:
                    group.reading = replace(group.reading, info=group.info, nodelist=known.nodelist)
        if self._gpus is None:
            return
        for group, gpus in self._gpus.find(groups):
            group.gpus = gpus
            if group.reading is not None and group.reading.gpus != gpus:
                group.reading = replace(group.reading, gpus=gpus)

    def _find_quietly(self) -> None:
        try:
            self._find()
        except ReadError:
            return  # the next poll says so

    def _read_young(self, group: ControlGroup, index: int) -> None:
        """Read a newborn unit soon, and again."""
        if index == len(YOUNG_S):
            return
        wait_s = YOUNG_S[index] - (YOUNG_S[index - 1] if index else 0.0)

        def again() -> None:
            self._timers.discard(timer)
            if self.groups.get(group.path) is group:
                self._read(group)
                self._complete([one for one in self.groups.values() if one.is_unit])
                self._read_young(group, index + 1)

        timer = asyncio.get_running_loop().call_later(wait_s, again)
        self._timers.add(timer)

    def _error(self) -> ReadError | None:
        """Return what is wrong with a part of the units."""
        wrong = [f"{path}: {reason}" for path, reason in self._tree.unreadable.items()]
        wrong += self._problems
        if not wrong:
            of_gpus = self._gpus.problem if self._gpus is not None else None
            return self._layout.problem or of_gpus
        more = len(wrong) - _MAX_NAMED
        words = "; ".join(wrong[:_MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")
        return ReadError(
            Reason.SENSOR_UNREADABLE, f"{counted(len(wrong), 'file')} cannot be read: {words}"
        )
