"""The joules of processors and memory by their own account: RAPL, as powercap shows it.

Each zone of /sys/class/powercap has a counter in microjoules that wraps (Documentation/power/
powercap/powercap.rst; Documentation/ABI/testing/sysfs-class-powercap). A package contains its
`core` and `uncore` zones, not its `dram`; `psys` contains everything: `additive` marks what may be
added up. The same package can be told twice, through its registers and through memory (`-mmio`):
then the second is left out.
"""

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.open_file import OpenFile
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import MAX_DOMAIN_WATTS, EnergyCounter, ReadError, Reason

_WHOLE = frozenset({"package", "dram"})
_NUMBERED = re.compile(r"-[0-9].*")  # package-0, package-1-die-0
# `psys` is the whole machine, accelerators and all. No counter is made to go round sooner than in
# about a minute (Intel SDM 3B, RAPL Interfaces): where the span is short, the machine is small.
_MOST_PLATFORM_WATTS = 50_000.0
_SOONEST_ROUND_S = 60.0
_PER_UNIT = 1e6  # micro
_MOST_DIGITS = 20  # of 64 bits


class Zone(NamedTuple):
    """A zone by the directory it has, the domain it measures, and its name from the top down."""

    directory: str
    domain: str
    name: str

    @property
    def additive(self) -> bool:
        """Whether it is part of no other zone that is added up."""
        return self.domain in _WHOLE


@dataclass(slots=True)
class _Counter:
    zone: Zone
    file: OpenFile
    span_joules: float

    def read(self) -> EnergyCounter:
        joules = microjoules(self.file.read(64), self.file.path) / _PER_UNIT
        return EnergyCounter(
            self.zone.domain, self.zone.name, joules, self.span_joules, self.zone.additive,
            max_watts(self.zone.domain, self.span_joules),
        )  # fmt: skip


class RaplCollector:
    """All powercap zones of one machine that count energy."""

    def __init__(self, host: HostPaths) -> None:
        self._root = host.sysfs / "class/powercap"
        self._seen: frozenset[str] = frozenset()
        self._counters: list[_Counter] = []

    async def read(self) -> CollectorResult:
        """Read every zone's counter; zones that come and go are noticed.

        Raises:
            ReadError: absent, where there is no zone; permission_denied or sensor_unreadable, where
                none can be read, or it cannot be seen which there are.
        """
        self._look()
        energies: list[EnergyCounter] = []
        problem: ReadError | None = None
        for counter in self._counters:
            try:
                energies.append(counter.read())
            except OSError as error:
                problem = problem or read_error(counter.file.path, error)
            except ReadError as error:
                problem = problem or error
        if problem is not None and not energies:
            raise problem
        return CollectorResult(energies=tuple(energies), error=problem)

    async def close(self) -> None:
        """Close every file."""
        for counter in self._counters:
            counter.file.close()
        self._counters, self._seen = [], frozenset()

    def _look(self) -> None:
        """Open the zones there are, if they are others than last time."""
        try:
            present = frozenset(os.listdir(self._root))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._absent(error.strerror) from None
        except OSError as error:
            raise read_error(self._root, error) from None
        if present == self._seen and self._counters:
            return
        for counter in self._counters:
            counter.file.close()
        names = {directory: self._name(directory) for directory in present}
        counting = [one for one in present if self._counts(one)]
        self._counters = [self._counter(zone) for zone in zones(names, counting)]
        self._seen = present
        if not self._counters:
            raise self._absent("it has no zone that counts energy")

    def _counts(self, directory: str) -> bool:
        path = self._root / directory / "energy_uj"
        try:
            return path.exists()
        except OSError as error:
            raise read_error(path, error) from None

    def _name(self, directory: str) -> str:
        try:
            return (self._root / directory / "name").read_text().strip() or directory
        except (OSError, UnicodeDecodeError):
            return directory

    def _counter(self, zone: Zone) -> _Counter:
        folder = self._root / zone.directory
        span = folder / "max_energy_range_uj"
        try:
            span_joules = microjoules(span.read_bytes(), span) / _PER_UNIT
        except (OSError, ReadError):
            span_joules = 0.0
        return _Counter(zone, OpenFile(folder / "energy_uj"), span_joules or math.inf)

    def _absent(self, why: str | None) -> ReadError:
        told = (
            f"{self._root}: {why}. A virtual machine has no RAPL; on hardware, is the module "
            "intel_rapl_msr loaded, and --path.sysfs right?"
        )
        return ReadError(Reason.ABSENT, told)


def zones(names: Mapping[str, str], counting: Iterable[str]) -> list[Zone]:
    """Tell the zones among directories that count energy, each once, in their order.

    `names` has what each directory calls itself: `intel-rapl:0:1` may be `dram`.
    """
    found: dict[str, Zone] = {}
    for directory in sorted(counting, key=_order):
        control = directory.partition(":")[0]
        name = "/".join(names.get(one, one) for one in _line(directory))
        same = found.get(name)
        if same is not None and same.directory.partition(":")[0] != control:
            continue  # the same hardware, told another way
        if same is not None:
            name = f"{name}@{directory}"
        domain = _NUMBERED.sub("", names.get(directory, directory))
        found[name] = Zone(directory, domain, name)
    return list(found.values())


def max_watts(domain: str, span_joules: float) -> float:
    """Tell more than a zone ever draws, so that what cannot be is told from a wrap."""
    if domain != "psys":
        return MAX_DOMAIN_WATTS
    return max(MAX_DOMAIN_WATTS, min(span_joules / _SOONEST_ROUND_S, _MOST_PLATFORM_WATTS))


def microjoules(text: bytes, path: Path) -> int:
    """Read a counter.

    Raises:
        ReadError: bad_reply, where it is no number.
    """
    word = text.strip()
    if not word.isdigit() or len(word) > _MOST_DIGITS:
        raise ReadError(Reason.BAD_REPLY, f"{path} holds {word[:40]!r}, not microjoules")
    return int(word)


def _order(directory: str) -> tuple[bool, str, list[int]]:
    """Sort by number, as numbers; what is told through memory comes last."""
    control, *numbers = directory.split(":")
    places = [int(number) if number.isdecimal() else 0 for number in numbers]
    return control.endswith("-mmio"), control, places


def _line(directory: str) -> Iterator[str]:
    """Go from a zone's outermost ancestor to itself."""
    control, *numbers = directory.split(":")
    for depth in range(1, len(numbers) + 1):
        yield ":".join((control, *numbers[:depth]))
