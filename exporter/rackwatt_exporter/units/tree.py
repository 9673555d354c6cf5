"""The control groups of one manager, found without a walk of the tree.

Directories that exist without the manager are listed when it is looked for, every 30 s. Its own are
listed at each look: one call for each, and nothing more where their entries are the same as before.
An inode number comes with each entry, so that a group that was removed and made again is another.
"""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rackwatt_exporter.units.cgroups.hierarchies import Hierarchy
from rackwatt_exporter.units.managers.base import Layout, Lead, UnitPlace

DISCOVER_S = 30.0
_MAX_OUTSIDE = 2000


class FoundGroup(NamedTuple):
    """A control group that is a unit: its path below each hierarchy, its inode, its unit."""

    path: str
    inode: int
    unit: str


@dataclass(slots=True)
class _Listed:
    """A directory of the manager: its entries, and which of them are units or lead to some."""

    entries: dict[str, int] = field(default_factory=dict)
    units: tuple[FoundGroup, ...] = ()
    below: tuple[str, ...] = ()


class UnitTree:
    """The groups of one manager, in the first hierarchy that has any.

    `unreadable` are directories that could not be listed, with the reason.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._tops: tuple[str, ...] = ()
        self._listed: dict[str, _Listed] = {}
        self._discovered_s = -math.inf
        self._hierarchy: Hierarchy | None = None
        self._unseen: dict[str, str] = {}
        self.unreadable: dict[str, str] = {}

    @property
    def directories(self) -> list[str]:
        """The directories in which units come and go."""
        root = self._hierarchy.root if self._hierarchy else ""
        return [f"{root}/{path}" for path in self._listed]

    def is_due(self, now_s: float) -> bool:
        """Return whether the manager is to be looked for again."""
        return not self._tops or now_s - self._discovered_s >= DISCOVER_S

    def discover(self, mounted: Iterable[Hierarchy], now_s: float) -> None:
        """Look for the manager's own directories from the root of each hierarchy."""
        self._discovered_s = now_s
        self._unseen = {}
        before, self._tops = self._tops, ()
        for hierarchy in mounted:
            tops = set(self._outside(hierarchy.root))
            if self._unseen and hierarchy == self._hierarchy:
                tops.update(before)  # what could not be listed is not gone
            if tops:
                if hierarchy != self._hierarchy:
                    self._listed.clear()
                self._hierarchy, self._tops = hierarchy, tuple(sorted(tops))
                return

    def look(self) -> Mapping[str, FoundGroup]:
        """List the manager's directories; return all units by path."""
        self.unreadable = dict(self._unseen)
        root = self._hierarchy.root if self._hierarchy else ""
        before, self._listed = self._listed, {}
        waiting = list(self._tops)
        for path in waiting:
            if (listed := self._list(root, path, before.get(path) or _Listed())) is not None:
                self._listed[path] = listed
                waiting += listed.below
        return {unit.path: unit for listed in self._listed.values() for unit in listed.units}

    def _list(self, root: str, path: str, before: _Listed) -> _Listed | None:
        """List one directory; None where it is gone."""
        try:
            with os.scandir(f"{root}/{path}") as listing:
                entries = {entry.name: entry.inode() for entry in listing}
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.unreadable[f"{root}/{path}"] = error.strerror or str(error)
            return before
        if entries == before.entries:
            return before
        units, below = [], []
        for name, inode in entries.items():
            one = f"{path}/{name}"
            place = self._layout.place(one)
            if isinstance(place, UnitPlace):
                units.append(FoundGroup(one, inode, place.unit))
            elif place is Lead.MANAGER:
                below.append(one)
        return _Listed(entries, tuple(units), tuple(below))

    def _outside(self, root: str) -> Iterator[str]:
        """Yield the manager's topmost directories, from those that are there without it."""
        waiting = [""]
        for path in waiting:
            try:
                with os.scandir(f"{root}/{path}") as listing:
                    names = [entry.name for entry in listing if entry.is_dir(follow_symlinks=False)]
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                self._unseen[f"{root}/{path}"] = error.strerror or str(error)
                continue
            for name in names:
                below = f"{path}/{name}" if path else name
                place = self._layout.place(below)
                if place is Lead.MANAGER:
                    yield below
                elif place is Lead.OUTSIDE and len(waiting) < _MAX_OUTSIDE:
                    waiting.append(below)
