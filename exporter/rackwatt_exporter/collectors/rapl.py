"""Energy counters of processors and memory: RAPL, as powercap exports it.

Each zone of /sys/class/powercap has a counter in microjoules that wraps (Documentation/power/
powercap/powercap.rst; Documentation/ABI/testing/sysfs-class-powercap). A package contains its
`core` and `uncore` zones, not its `dram`; `psys` contains everything: `additive` marks what may be
added up. The same package can have two zones, of its registers and of memory-mapped I/O (`-mmio`):
the second is left out.

A zone that cannot be read costs itself alone: the others are read, and only the sum that it is a
part of is not known.
"""

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.open_file import MICRO, OpenFile, number
from rackwatt_exporter.collectors.power_limits import POWER_LIMIT, Constraints
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.plausibility import MAX_NODE_WATTS
from rackwatt_exporter.reading import MAX_DOMAIN_WATTS, EnergyCounter, ReadError, Reason

_WHOLE = frozenset({"package", "dram"})
_NUMBERED = re.compile(r"-[0-9].*")  # package-0, package-1-die-0
# `psys` is the whole machine with its accelerators. No counter wraps in less than about a minute
# (Intel SDM 3B, RAPL Interfaces): a short span means a small machine.
_MIN_WRAP_S = 60.0


class Zone(NamedTuple):
    """A zone: its directory, its domain, and its name with those of its ancestors before it."""

    directory: str
    domain: str
    name: str

    @property
    def additive(self) -> bool:
        """Whether no other zone that is added up contains it."""
        return self.domain in _WHOLE


@dataclass(slots=True)
class _Counter:
    zone: Zone
    file: OpenFile
    span_joules: float
    constraints: Constraints
    part_of: frozenset[str]

    def read(self) -> EnergyCounter:
        joules = self.file.number("microjoules") / MICRO
        return EnergyCounter(
            self.zone.domain, self.zone.name, joules, self.span_joules, self.zone.additive,
            max_watts(self.zone.domain, self.span_joules),
        )  # fmt: skip

    def limits(self) -> list[Sample]:
        who = ("rapl", self.zone.domain, self.zone.name)
        return [Sample(POWER_LIMIT, (*who, name), watts) for name, watts in self.constraints.read()]

    def close(self) -> None:
        self.file.close()
        self.constraints.close()


class RaplResult(CollectorResult, frozen=True):
    """The counters and limits, and the path of each zone, by its name."""

    paths: dict[str, str] = msgspec.field(default_factory=dict)


class RaplCollector:
    """All powercap zones of one machine that count energy."""

    def __init__(self, host: HostPaths) -> None:
        self._root = host.sysfs / "class/powercap"
        self._seen: frozenset[str] = frozenset()
        self._counters: list[_Counter] = []

    async def read(self) -> RaplResult:
        """Read the counter and the limits of every zone that exists now.

        Raises:
            ReadError: absent, where there is no zone; permission_denied or sensor_unreadable, where
                none can be read, or the zones cannot be listed.
        """
        self._update_zones()
        energies: list[EnergyCounter] = []
        limits: list[Sample] = []
        problems: list[ReadError] = []
        lacking: set[str] = set()
        for counter in self._counters:
            try:
                energies.append(counter.read())
            except OSError as error:
                problems.append(read_error(counter.file.path, error))
                lacking |= counter.part_of
            except ReadError as error:
                problems.append(error)
                lacking |= counter.part_of
            else:
                limits += _limits(counter, problems)
        if problems and not energies:
            raise problems[0]
        paths = {one.zone.name: str(self._root / one.zone.directory) for one in self._counters}
        return RaplResult(
            tuple(limits),
            tuple(energies),
            _together(problems),
            lacking=frozenset(lacking),
            paths=paths,
        )

    async def close(self) -> None:
        """Close every file."""
        for counter in self._counters:
            counter.close()
        self._counters, self._seen = [], frozenset()

    def _update_zones(self) -> None:
        """Open the counters of all zones, if the zones have changed."""
        try:
            present = frozenset(os.listdir(self._root))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._absent(error.strerror) from None
        except OSError as error:
            raise read_error(self._root, error) from None
        if present == self._seen and self._counters:
            return
        for counter in self._counters:
            counter.close()
        known = {directory: self._name(directory) for directory in present}
        names = {directory: name for directory, name in known.items() if name is not None}
        counting = [directory for directory in present if self._counts(directory)]
        self._counters = [
            self._counter(zone, zone.directory in names) for zone in zones(names, counting)
        ]
        self._seen = present
        if not self._counters:
            raise self._absent("it has no zone that counts energy")

    def _counts(self, directory: str) -> bool:
        """Return whether a zone has a counter; one that may not be looked into may have one."""
        try:
            os.stat(self._root / directory / "energy_uj")
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def _name(self, directory: str) -> str | None:
        try:
            return (self._root / directory / "name").read_text().strip() or None
        except (OSError, UnicodeDecodeError):
            return None

    def _counter(self, zone: Zone, is_named: bool) -> _Counter:
        folder = self._root / zone.directory
        span = folder / "max_energy_range_uj"
        try:
            span_joules = number(span.read_bytes(), span, "microjoules") / MICRO
        except (OSError, ReadError):
            span_joules = 0.0
        file = OpenFile(folder / "energy_uj")
        part_of = _WHOLE & {zone.domain} if is_named else _WHOLE
        return _Counter(zone, file, span_joules or math.inf, Constraints(folder), part_of)

    def _absent(self, why: str | None) -> ReadError:
        message = (
            f"{self._root}: {why}. A virtual machine has no RAPL; on hardware, is the module "
            "intel_rapl_msr loaded, and --path.sysfs right?"
        )
        return ReadError(Reason.ABSENT, message)


def _limits(counter: _Counter, problems: list[ReadError]) -> list[Sample]:
    """Return the limits of a zone; why they cannot be read is added to the problems."""
    try:
        return counter.limits()
    except ReadError as error:
        problems.append(error)
        return []


def _together(problems: list[ReadError]) -> ReadError | None:
    """Return the first problem with how many there are; the paths of all would be a long line."""
    if len(problems) < 2:
        return problems[0] if problems else None
    first, more = problems[0], len(problems) - 1
    return ReadError(first.reason, f"{first}; and {more} more of the zones", remedy=first.remedy)


def zones(names: Mapping[str, str], counting: Iterable[str]) -> list[Zone]:
    """Return the zones of the directories that count energy, each once, in order.

    `names` has what each directory calls itself: `intel-rapl:0:1` may be `dram`.
    """
    by_name: dict[str, Zone] = {}
    for directory in sorted(counting, key=_order):
        control = directory.partition(":")[0]
        name = "/".join(names.get(each, each) for each in _with_ancestors(directory))
        same = by_name.get(name)
        if same is not None and same.directory.partition(":")[0] != control:
            continue  # the same hardware through another interface
        if same is not None:
            name = f"{name}@{directory}"
        domain = _NUMBERED.sub("", names.get(directory, directory))
        by_name[name] = Zone(directory, domain, name)
    return list(by_name.values())


def max_watts(domain: str, span_joules: float) -> float:
    """Return a power that a zone never exceeds: a larger increase is no wrap."""
    if domain != "psys":
        return MAX_DOMAIN_WATTS
    return max(MAX_DOMAIN_WATTS, min(span_joules / _MIN_WRAP_S, MAX_NODE_WATTS))


def _order(directory: str) -> tuple[bool, str, list[int]]:
    """Sort by number, numerically; zones of memory-mapped I/O come last."""
    control, *numbers = directory.split(":")
    indices = [int(number) if number.isdecimal() else 0 for number in numbers]
    return control.endswith("-mmio"), control, indices


def _with_ancestors(directory: str) -> Iterator[str]:
    """Yield the directories from a zone's outermost ancestor to itself."""
    control, *numbers = directory.split(":")
    for depth in range(1, len(numbers) + 1):
        yield ":".join((control, *numbers[:depth]))
