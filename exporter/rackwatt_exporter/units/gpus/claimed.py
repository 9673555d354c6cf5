"""Claims of units, kept between readings.

The variables of a unit are read while it is young, and then each minute, as steps come and go.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.gpus.claims import NOTHING, VARIABLES, GpuClaim, merged
from rackwatt_exporter.units.model import UnitKey
from rackwatt_exporter.units.processes import Environments, ListFiles, environments

AGAIN_S = 60.0
_YOUNG_READS = 8

Parse = Callable[[Environments], GpuClaim]


class _Seen(NamedTuple):
    claim: GpuClaim = NOTHING
    reads: int = 0
    at_s: float = 0.0


class EnvironmentClaims:
    """The claims of the units of one manager. With `is_denied` some could not be read."""

    def __init__(
        self,
        procfs: Path,
        parse: Parse,
        list_files: ListFiles | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_denied = False
        self._procfs = procfs
        self._parse = parse
        self._list_files = list_files
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def read(self, groups: Iterable[ControlGroup]) -> dict[UnitKey, GpuClaim]:
        """Return the claim of each unit."""
        self.is_denied = False
        before, self._seen = self._seen, {}
        found = {}
        for group in groups:
            seen = self._read(group, before.get(group.identity, _Seen()))
            self._seen[group.identity] = seen
            found[group.key] = seen.claim
        return found

    def _read(self, group: ControlGroup, seen: _Seen) -> _Seen:
        now_s = self._clock()
        if (seen.reads >= _YOUNG_READS and now_s - seen.at_s < AGAIN_S) or not group.paths:
            return seen
        read = environments(group.paths[0], self._procfs, VARIABLES, self._list_files)
        if read.is_denied and not read.found:
            self.is_denied = True
            return seen
        return _Seen(merged(seen.claim, self._parse(read)), seen.reads + 1, now_s)
