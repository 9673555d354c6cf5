"""CPU seconds by mode: the first line of /proc/stat (proc(5)).

There are totals of the node alone: a line for each of 256 CPUs would be two thousand series, of
which queries need the sum. The kernel counts a guest's time as `user` or `nice` as well. It has a
family of its own, so that the modes add up to all CPU time.

The kernel documents that `iowait` can decrease, and so can `idle`: see MonotonicCounter.
"""

import os
from collections.abc import Sequence

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.open_file import OpenFile
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.reading import ReadError, Reason

SECONDS = MetricFamily(
    "rackwatt_node_cpu_seconds_total",
    "counter",
    "Total time of all CPUs by mode; the modes add up to all of it.",
    ("node", "mode"),
    "seconds",
)
GUEST_SECONDS = MetricFamily(
    "rackwatt_node_cpu_guest_seconds_total",
    "counter",
    "Total time of virtual machines, included in the same mode of rackwatt_node_cpu_seconds_total.",
    ("node", "mode"),
    "seconds",
)
CPUS = MetricFamily("rackwatt_node_cpus", "gauge", "Number of CPUs that are online.", ("node",))
FAMILIES = (SECONDS, GUEST_SECONDS, CPUS)

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
GUEST_MODES = ("user", "nice")
_COLUMNS = (
    *((SECONDS, mode) for mode in MODES),
    *((GUEST_SECONDS, mode) for mode in GUEST_MODES),
)
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# A mode may fall by this through rounding and races between CPUs; more is a CPU that was removed.
SLACK_S = 3.0
MAX_DIGITS = 20  # of 64 bits
_FIRST_BYTES = 16 * 1024


class CpuCollector:
    """The CPUs of one machine."""

    def __init__(self, host: HostPaths) -> None:
        self._file = OpenFile(host.procfs / "stat")
        self._bytes = _FIRST_BYTES
        self._counters = [MonotonicCounter() for _ in _COLUMNS]

    async def read(self) -> CollectorResult:
        """Read the seconds of each mode, and the number of CPUs.

        Raises:
            ReadError: absent, permission_denied or sensor_unreadable, where /proc has no stat to
                read; bad_reply, where its format is not that of proc(5).
        """
        ticks, cpus = parse_stat(self._text())
        samples = [Sample(CPUS, (), cpus)]
        for (family, mode), counter, tick in zip(_COLUMNS, self._counters, ticks, strict=False):
            samples.append(Sample(family, (mode,), counter.update(tick / TICKS_PER_S)))
        return CollectorResult(tuple(samples))

    async def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _text(self) -> bytes:
        """Read at least the lines of CPUs; the kernel generates all of it in any case."""
        while True:
            try:
                text = self._file.read(self._bytes)
            except OSError as error:
                raise read_error(self._file.path, error) from None
            if len(text) < self._bytes or b"\nintr" in text:
                return text
            self._bytes *= 2


class MonotonicCounter:
    """A counter that never decreases, over one that sometimes does.

    After a decrease of less than SLACK_S, the value stays until the kernel's number has caught up.
    After a larger one, as when a CPU is removed, it increases from its value at once: waiting for
    the kernel's number could take days.
    """

    def __init__(self) -> None:
        self._value = 0.0
        self._offset = 0.0

    def update(self, seconds: float) -> float:
        """Return the value for the kernel's number."""
        if seconds + self._offset < self._value - SLACK_S:
            self._offset = self._value - seconds
        self._value = max(self._value, seconds + self._offset)
        return self._value


def parse_stat(text: bytes) -> tuple[Sequence[int], int]:
    """Return ticks by mode, followed by guests', and the number of CPUs.

    Raises:
        ReadError: bad_reply.
    """
    first, _, rest = text.partition(b"\n")
    name, *words = first.split() or [b""]
    if name != b"cpu" or len(words) < len(MODES) or not all(map(_is_number, words)):
        message = f"/proc/stat starts with {first[:80]!r}, not with the ticks of all CPUs"
        raise ReadError(Reason.BAD_REPLY, message)
    return [int(word) for word in words[: len(_COLUMNS)]], _count_cpus(rest)


def _count_cpus(rest: bytes) -> int:
    """Count the lines of single CPUs, which are contiguous."""
    count = 0
    for line in rest.split(b"\n"):
        if not line.startswith(b"cpu"):
            break
        count += 1
    return count


def _is_number(word: bytes) -> bool:
    return word.isdigit() and len(word) <= MAX_DIGITS
