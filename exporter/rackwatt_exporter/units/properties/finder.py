"""Finds the properties of jobs: each is read once, and looked for again while it is not there.

With a directory of a prolog, its files are all that counts: what processes say of themselves must
not take the place of a file that is missing.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rackwatt_crds.wording import counted
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.processes import environments
from rackwatt_exporter.units.properties.job import JobProperties
from rackwatt_exporter.units.properties.prolog import of_file
from rackwatt_exporter.units.properties.variables import VARIABLES, of_variables

log = logging.getLogger(__name__)

AGAIN_S = 60.0
MAX_AT_ONCE = 256  # half a millisecond each: the others follow at the next reading
_YOUNG_READS = 8
_DENIED = (
    "users and accounts of jobs are unknown, since the variables of their processes may not be "
    "read: that needs CAP_SYS_PTRACE, and in a container the host's process namespace "
    "(`environment: true`), or a prolog and `propertiesDirectory`"
)


class _Seen(NamedTuple):
    known: JobProperties | None = None
    reads: int = 0
    at_s: float = 0.0
    problem: str = ""


class PropertyFinder:
    """The properties of the jobs of one manager. `problem` says why some are not known."""

    def __init__(
        self,
        manager: str,
        host: HostPaths,
        directory: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._manager = manager
        self._variables = VARIABLES[manager]
        self._procfs = host.procfs
        self._directory = host.rootfs / directory.lstrip("/") if directory else None
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self.problem = ""

    def find(self, groups: Iterable[ControlGroup]) -> Iterator[tuple[ControlGroup, JobProperties]]:
        """Go through the jobs whose properties were found now."""
        before, self._seen = self._seen, {}
        left = MAX_AT_ONCE
        for group in groups:
            seen = before.get(group.identity, _Seen())
            if left and seen.known is None and self._is_due(seen):
                left -= 1
                seen = self._read(group, seen)
                if seen.known is not None:
                    yield group, seen.known
            self._seen[group.identity] = seen
        self._conclude()

    def job(self, unit: str) -> str:
        """Return the id of the job that a unit is."""
        return self._variables.identity(unit)

    def _is_due(self, seen: _Seen) -> bool:
        is_young = seen.reads < _YOUNG_READS and not seen.problem
        return is_young or self._clock() - seen.at_s >= AGAIN_S

    def _read(self, group: ControlGroup, seen: _Seen) -> _Seen:
        known, problem = self._look(group)
        return _Seen(known, seen.reads + 1, self._clock(), problem)

    def _look(self, group: ControlGroup) -> tuple[JobProperties | None, str]:
        """Return the properties of a job, or why they are not known."""
        unit = group.key.unit
        if self._directory is not None:
            return _of_directory(self._directory, self.job(unit))
        if not group.paths:
            return None, ""
        job, user = self.job(unit), self._variables.names["user"]

        def is_enough(one: dict[str, str]) -> bool:
            return one.get(self._variables.job) == job and bool(one.get(user))

        read = environments(group.paths[0], self._procfs, self._variables.all, is_enough=is_enough)
        known = of_variables(self._manager, unit, read.found)
        return known, _DENIED if known is None and read.is_denied else ""

    def _conclude(self) -> None:
        """Say what is wrong, and log it where that is new."""
        problems = [seen.problem for seen in self._seen.values() if seen.problem]
        problem = problems[0] if problems else ""
        if problem and problem != _DENIED:
            problem = f"{counted(len(problems), 'job')} without properties: {problem}"
        if problem and problem != self.problem:
            log.warning("%s: %s", self._manager, problem)
        self.problem = problem


def _of_directory(directory: Path, job: str) -> tuple[JobProperties | None, str]:
    try:
        known = of_file(directory / job)
    except ValueError as error:
        return None, str(error)
    return known, "" if known else f"{directory} has no file {job} (propertiesDirectory)"
