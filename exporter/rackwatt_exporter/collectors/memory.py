"""Memory of this machine: /proc/meminfo (proc(5), Documentation/filesystems/proc.rst).

Parts of memory overlap, and no set of them adds up to all of it: each has a family of its own, and
none has a label to sum over. The families are those that queries need; the result has every line of
the file, for those that want the names of the kernel.
"""

import re
from collections.abc import Mapping

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.open_file import OpenFile
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.reading import ReadError, Reason

_KIB = 1024
_MAX_BYTES = 64 * 1024
_LINE = re.compile(rb"([A-Za-z0-9_()]+): +([0-9]{1,17})( kB)?")


def _gauge(name: str, text: str) -> MetricFamily:
    return MetricFamily(f"rackwatt_node_memory_{name}_bytes", "gauge", text, ("node",), "bytes")


BY_NAME: Mapping[str, MetricFamily] = {
    "MemTotal": _gauge("total", "Memory that the kernel manages."),
    "MemFree": _gauge("free", "Memory that is not in use, also not as a cache."),
    "MemAvailable": _gauge(
        "available", "Memory that can be allocated without swapping, as the kernel estimates it."
    ),
    "Buffers": _gauge("buffers", "Memory that caches blocks of devices."),
    "Cached": _gauge("cached", "Memory that caches files, with tmpfs and shared memory."),
    "AnonPages": _gauge("anonymous", "Memory of processes that belongs to no file."),
    "SwapTotal": _gauge("swap_total", "Size of swap."),
    "SwapFree": _gauge("swap_free", "Swap that is not in use."),
}
FAMILIES = tuple(BY_NAME.values())


class MemoryResult(CollectorResult, frozen=True):
    """The samples, and the whole file by the names of the kernel.

    `sizes` are in bytes; `counts`, as of huge pages, have no unit.
    """

    sizes: Mapping[str, int] = {}
    counts: Mapping[str, int] = {}


class MemoryCollector:
    """The memory of one machine."""

    def __init__(self, host: HostPaths) -> None:
        self._file = OpenFile(host.procfs / "meminfo")

    async def read(self) -> MemoryResult:
        """Read what the memory is used for.

        Raises:
            ReadError: absent, permission_denied or sensor_unreadable, where /proc has no meminfo to
                read; bad_reply, where its format is not that of proc(5).
        """
        try:
            text = self._file.read(_MAX_BYTES)
        except OSError as error:
            raise read_error(self._file.path, error) from None
        sizes, counts = parse_meminfo(text)
        samples = tuple(
            Sample(family, (), sizes[name]) for name, family in BY_NAME.items() if name in sizes
        )
        return MemoryResult(samples, sizes=sizes, counts=counts)

    async def close(self) -> None:
        """Close the file."""
        self._file.close()


def parse_meminfo(text: bytes) -> tuple[dict[str, int], dict[str, int]]:
    """Return sizes in bytes and counts, by the names of the kernel.

    Raises:
        ReadError: bad_reply.
    """
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise ReadError(Reason.BAD_REPLY, f"/proc/meminfo has {line[:80]!r}, not a size in kB")
        name, number, unit = match.groups()
        if unit:
            sizes[name.decode()] = int(number) * _KIB
        else:
            counts[name.decode()] = int(number)
    if "MemTotal" not in sizes:
        raise ReadError(Reason.BAD_REPLY, "/proc/meminfo has no MemTotal")
    return sizes, counts
