"""Collector of the ports of InfiniBand and RoCE adapters: /sys/class/infiniband.

An adapter's firmware is queried at each read of a counter, which takes up to a millisecond: all are
read in a thread, and no file stays open, since there can be hundreds. A counter that a port does
not have (`N/A (no PMA)`, EINVAL of a virtual function) has no sample.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.infiniband import families
from rackwatt_exporter.collectors.infiniband.families import COUNTERS, EXTENDED, PortCounter
from rackwatt_exporter.collectors.open_file import number
from rackwatt_exporter.collectors.read_thread import ReadThread
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.reading import ReadError, Reason

FAMILIES = families.FAMILIES

_NOT_PROVIDED = frozenset({errno.EINVAL, errno.ENODATA, errno.EOPNOTSUPP, errno.ENOENT})
_NO_COUNTER = frozenset({"lifespan"})  # how long the driver keeps values of hw_counters
_STATE = re.compile(r"([0-9]{1,2}):")
_RATE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) Gb/sec")
_BYTES_PER_GBIT = 1e9 / 8
_STUCK = 2**32 - 1  # a counter of 32 bits that has stopped


class InfinibandCollector:
    """The adapters of one machine."""

    def __init__(self, host: HostPaths) -> None:
        self._root = host.sysfs / "class/infiniband"
        self._thread = ReadThread()

    async def read(self) -> CollectorResult:
        """Read every port.

        Raises:
            ReadError: absent, where there is no adapter; the reason, where none can be read;
                timeout, where a driver hangs.
        """
        return await self._thread.run(self._read)

    async def close(self) -> None:
        """Nothing is open."""

    def _read(self) -> CollectorResult:
        samples: list[Sample] = []
        problems: list[ReadError] = []
        for device in self._devices():
            folder = f"{self._root}/{device}"
            samples.append(_info(folder, device))
            for port in _listed(f"{folder}/ports"):
                for found in _port(f"{folder}/ports/{port}", (device, port)):
                    if isinstance(found, ReadError):
                        problems.append(found)
                    else:
                        samples.append(found)
        return CollectorResult(tuple(samples), error=problems[0] if problems else None)

    def _devices(self) -> list[str]:
        try:
            devices = sorted(os.listdir(self._root))
        except FileNotFoundError:
            devices = []
        except OSError as error:
            raise read_error(self._root, error) from None
        if not devices:
            message = f"{self._root} has no adapter; is its driver loaded?"
            raise ReadError(Reason.ABSENT, message)
        return devices


def _info(folder: str, device: str) -> Sample:
    words = (_text(f"{folder}/{name}") for name in ("board_id", "fw_ver", "hca_type"))
    return Sample(families.INFO, (device, *words), 1)


def _port(folder: str, who: tuple[str, str]) -> Iterator[Sample | ReadError]:
    """Go through the samples of a port, and through what of it cannot be read."""
    for name, family, parse in (
        ("state", families.STATE, parse_state),
        ("phys_state", families.PHYSICAL_STATE, parse_state),
        ("rate", families.RATE, parse_rate),
    ):
        path = f"{folder}/{name}"
        try:
            yield Sample(family, who, parse(_content(path), path))
        except OSError as error:
            yield read_error(Path(path), error)
        except ReadError as error:
            yield error
    for path, (family, factor) in _counters(folder):
        try:
            count = _count(path)
        except ReadError as error:
            yield error
            continue
        if count is not None:
            yield Sample(family, who, count * factor)
    yield from _hardware(f"{folder}/hw_counters", who)


def _counters(folder: str) -> Iterator[tuple[str, PortCounter]]:
    """Go through the files of a port's counters, that of 64 bits where there are two."""
    listed = _listed(f"{folder}/counters_ext")
    extended = {EXTENDED[name]: name for name in listed if name in EXTENDED}
    present = set(_listed(f"{folder}/counters"))
    for name, counter in COUNTERS.items():
        if name in extended:
            yield f"{folder}/counters_ext/{extended[name]}", counter
        elif name in present:
            yield f"{folder}/counters/{name}", counter


def _hardware(folder: str, who: tuple[str, str]) -> Iterator[Sample | ReadError]:
    for name in _listed(folder):
        if name in _NO_COUNTER:
            continue
        try:
            if (count := _count(f"{folder}/{name}")) is not None:
                yield Sample(families.HARDWARE, (*who, name), count)
        except ReadError as error:
            yield error


def _count(path: str) -> int | None:
    """Read a counter; None of one that the port does not have, or that has stopped.

    Raises:
        ReadError: sensor_unreadable or permission_denied; bad_reply.
    """
    try:
        text = _content(path)
    except OSError as error:
        if error.errno in _NOT_PROVIDED:
            return None
        raise read_error(Path(path), error) from None
    if text.startswith(b"N/A"):
        return None
    count = number(text, path, "a count")
    return None if count == _STUCK else count


def parse_state(text: bytes, path: str) -> float:
    """Return the number of a state: `4: ACTIVE`.

    Raises:
        ReadError: bad_reply.
    """
    match = _STATE.match(text.decode("ascii", "replace"))
    if match is None:
        raise ReadError(Reason.BAD_REPLY, f"{path} holds {text[:40]!r}, not a state")
    return int(match[1])


def parse_rate(text: bytes, path: str) -> float:
    """Return a rate in bytes per second: `100 Gb/sec (4X EDR)`.

    Raises:
        ReadError: bad_reply.
    """
    match = _RATE.match(text.decode("ascii", "replace"))
    if match is None:
        raise ReadError(Reason.BAD_REPLY, f"{path} holds {text[:40]!r}, not a rate in Gb/sec")
    return float(match[1]) * _BYTES_PER_GBIT


def _content(path: str) -> bytes:
    """Read a short file: half the time of Path.read_bytes, for hundreds of them."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 128)
    finally:
        os.close(descriptor)


def _listed(path: str) -> list[str]:
    with suppress(OSError):
        return sorted(os.listdir(path))
    return []


def _text(path: str) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return _content(path).decode().strip()
    return ""
