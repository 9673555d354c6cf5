"""Power and energy of a node of HPE Cray, by its controller: /sys/cray/pm_counters.

Each file has a value, its unit and often a time: `724 W 7810213855886 us` (HPE Cray EX System
Management, User Access to Compute Node Power Data). `energy` is that of the whole node with its
accelerators, and never wraps. `cpu_*`, `memory_*` and `accelN_*` are parts, which may contain one
another. `capped_*` and `overshoot_*` are no energy that a part has used.

The controller counts its scans in `freshness`, ten a second. Where that does not change, the
values are old, however often they are read. `startup` changes when the controller restarts, and its
counters with it. `generation` counts changes of power caps, and resets nothing.
"""

import asyncio
import math
import os
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.open_file import OpenFile
from rackwatt_exporter.collectors.power_limits import POWER_LIMIT
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.plausibility import MAX_JOULES, MAX_NODE_WATTS
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, EnergyCounter, ReadError, Reason

POWER = MetricFamily(
    "rackwatt_node_cray_power_watts",
    "gauge",
    "Power of the node or a part of it, as its controller has sampled it last.",
    ("node", "zone"),
    "watts",
)
TEMPERATURE = MetricFamily(
    "rackwatt_node_cray_temperature_celsius",
    "gauge",
    "Temperature of a part of the node.",
    ("node", "zone"),
    "celsius",
)
FAMILIES = (POWER, TEMPERATURE)

_FILE = re.compile(r"(?:([a-z]+)([0-9]*)_)?(energy|power_cap|power|temp)")
_NOT_MEASURED = frozenset({"capped", "overshoot"})
_VALUE = re.compile(rb"([0-9]{1,20}) ([JWC])(?: [0-9]{1,20} us)?")
_UNITS = {"energy": b"J", "power": b"W", "power_cap": b"W", "temp": b"C"}
_SCAN_S = 0.1
_MAX_SCANS = 10  # to wait for the next one


class Quantity(NamedTuple):
    """What a file has: a quantity of the domain, which is one of several zones."""

    domain: str
    zone: str
    kind: str


class CrayCollector:
    """The counters of one node; `sleep` waits for the next scan of its controller."""

    def __init__(
        self, host: HostPaths, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._root = host.sysfs / "cray/pm_counters"
        self._sleep = sleep
        self._files: dict[str, OpenFile] = {}
        self._freshness: int | None = None

    async def read(self) -> CollectorResult:
        """Read every counter of the controller's last scan.

        Raises:
            ReadError: absent, where this is no Cray; sensor_unreadable, where the controller does
                not scan or restarts; permission_denied or bad_reply, where no file can be read.
        """
        self._update_files()
        await self._wait_for_scan()
        startup = self._count("startup")
        values, problem = self._values()
        if self._count("startup") != startup:
            message = "the node's controller has restarted while it was read"
            raise ReadError(Reason.SENSOR_UNREADABLE, message)
        if problem is not None and not values:
            raise problem
        return _result(values, str(startup), problem)

    async def close(self) -> None:
        """Close every file."""
        for file in self._files.values():
            file.close()
        self._files = {}

    def _update_files(self) -> None:
        try:
            present = os.listdir(self._root)
        except (FileNotFoundError, NotADirectoryError):
            message = f"there is no {self._root}: this is no node of HPE Cray"
            raise ReadError(Reason.ABSENT, message) from None
        except OSError as error:
            raise read_error(self._root, error) from None
        for name in self._files.keys() - set(present):
            self._files.pop(name).close()
        for name in sorted(set(present) - self._files.keys()):
            if name in ("freshness", "startup") or quantity(name):
                self._files[name] = OpenFile(self._root / name)

    async def _wait_for_scan(self) -> None:
        """Wait until the controller has scanned since the last reading."""
        now = self._count("freshness")
        before = now if self._freshness is None else self._freshness
        for _ in range(_MAX_SCANS):
            if now != before:
                break
            await self._sleep(_SCAN_S)
            now = self._count("freshness")
        if now == before:
            message = (
                f"{self._root}/freshness stays at {now}: the node's controller does not scan, and "
                "all values are old"
            )
            raise ReadError(Reason.SENSOR_UNREADABLE, message)
        self._freshness = now

    def _values(self) -> tuple[dict[Quantity, int], ReadError | None]:
        values: dict[Quantity, int] = {}
        problem: ReadError | None = None
        for name, file in self._files.items():
            if (found := quantity(name)) is None:
                continue
            try:
                values[found] = value(self._text(file), name, found.kind)
            except ReadError as error:
                problem = problem or error
        return values, problem

    def _count(self, name: str) -> int:
        """Read a count, which has no unit.

        Raises:
            ReadError: bad_reply, also where there is none: old values look as new ones without it.
        """
        file = self._files.get(name)
        if file is None:
            raise ReadError(Reason.BAD_REPLY, f"{self._root} has no {name}")
        word = (self._text(file).split() or [b""])[0]
        if not word.isdigit() or len(word) > 20:
            raise ReadError(Reason.BAD_REPLY, f"{file.path} holds {word[:40]!r}, not a count")
        return int(word)

    def _text(self, file: OpenFile) -> bytes:
        try:
            return file.read(128)
        except OSError as error:
            raise read_error(file.path, error) from None


def quantity(name: str) -> Quantity | None:
    """Return what a file has by its name: `accel0_power`; None of one that measures nothing."""
    match = _FILE.fullmatch(name)
    if match is None or match[1] in _NOT_MEASURED:
        return None
    part, number, kind = match.groups()
    if part is None:
        return Quantity(WHOLE_NODE, WHOLE_NODE, kind)
    return Quantity(part, f"{part}{number}", kind)


def value(text: bytes, name: str, kind: str) -> int:
    """Parse a value in the unit of its kind.

    Raises:
        ReadError: bad_reply, where it has another format or unit; implausible, where no node has
            used so much.
    """
    match = _VALUE.fullmatch(text.strip())
    if match is None or match[2] != _UNITS[kind]:
        unit = _UNITS[kind].decode()
        raise ReadError(Reason.BAD_REPLY, f"pm_counters/{name} holds {text[:40]!r}, not {unit}")
    number = int(match[1])
    if number > (MAX_JOULES if kind == "energy" else MAX_NODE_WATTS):
        words = text[:40].decode().strip()
        raise ReadError(Reason.IMPLAUSIBLE, f"pm_counters/{name} is {words}, beyond any node")
    return number


def _result(
    values: dict[Quantity, int], startup: str, problem: ReadError | None
) -> CollectorResult:
    """Return what the values are; a part of 0 does not exist, and a cap of 0 caps nothing."""
    energies: list[EnergyCounter] = []
    powers: list[DomainPower] = []
    samples: list[Sample] = []
    for (domain, zone, kind), number in values.items():
        is_node = domain == WHOLE_NODE
        if kind == "power" and is_node and not number:
            message = "pm_counters/power is 0 W, which a node that runs never draws"
            problem = problem or ReadError(Reason.IMPLAUSIBLE, message)
        elif not number and not (is_node and kind == "energy"):
            continue
        elif kind == "energy":
            joules = float(number)
            energies.append(
                EnergyCounter(domain, zone, joules, math.inf, is_node, MAX_NODE_WATTS, startup)
            )
        elif kind == "power_cap":
            samples.append(Sample(POWER_LIMIT, ("cray", domain, zone, "power_cap"), number))
        elif kind == "temp":
            samples.append(Sample(TEMPERATURE, (zone,), number))
        else:
            samples.append(Sample(POWER, (zone,), number))
            if Quantity(domain, zone, "energy") not in values:
                powers.append(DomainPower(domain, zone, float(number), is_node))
    return CollectorResult(tuple(samples), tuple(energies), problem, tuple(powers))
