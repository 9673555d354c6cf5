"""The seconds that the processors worked, by mode: the first line of /proc/stat (proc(5)).

Totals of the node alone: a line for each of 256 processors would be two thousand series that nobody
adds up otherwise. The kernel counts a guest's time as `user` or `nice` as well, so it is told
beside the modes, which add up to all the time there was, and never among them.

The kernel says itself that `iowait` can decrease, and so can `idle`: see MonotonicCounter.
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
# What a mode may fall by through rounding and races between processors; more is a processor gone.
SLACK_S = 3.0
MOST_DIGITS = 20  # of 64 bits
_FIRST_BYTES = 16 * 1024


class CpuCollector:
    """The processors of one machine."""

    def __init__(self, host: HostPaths) -> None:
        self._file = OpenFile(host.procfs / "stat")
        self._bytes = _FIRST_BYTES
        self._counters = [MonotonicCounter() for _ in _COLUMNS]

    async def read(self) -> CollectorResult:
        """Read the seconds of each mode, and the number of processors.

        Raises:
            ReadError: absent, permission_denied or sensor_unreadable, where /proc has no stat to
                read; bad_reply, where it is not what proc(5) says.
        """
        ticks, cpus = processors(self._text())
        samples = [Sample(CPUS, (), cpus)]
        for (family, mode), counter, tick in zip(_COLUMNS, self._counters, ticks, strict=False):
            samples.append(Sample(family, (mode,), counter.hold(tick / TICKS_PER_S)))
        return CollectorResult(tuple(samples))

    async def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _text(self) -> bytes:
        """Read as far as the lines of processors go; the kernel writes all of it in any case."""
        while True:
            try:
                text = self._file.read(self._bytes)
            except OSError as error:
                raise read_error(self._file.path, error) from None
            if len(text) < self._bytes or b"\nintr" in text:
                return text
            self._bytes *= 2


class MonotonicCounter:
    """A counter that never falls, over one that sometimes does.

    A fall of less than SLACK_S is held out until the kernel's number is back where it was. After
    one that is more, as when a processor is taken out, it goes on from where it stands: to hold
    that out could take days.
    """

    def __init__(self) -> None:
        self._shown = 0.0
        self._ahead = 0.0

    def hold(self, seconds: float) -> float:
        """Give what to show for the kernel's number."""
        if seconds + self._ahead < self._shown - SLACK_S:
            self._ahead = self._shown - seconds
        self._shown = max(self._shown, seconds + self._ahead)
        return self._shown


def processors(text: bytes) -> tuple[Sequence[int], int]:
    """Read ticks by mode, guests' behind them, and the number of processors.

    Raises:
        ReadError: bad_reply.
    """
    first, _, rest = text.partition(b"\n")
    name, *words = first.split() or [b""]
    if name != b"cpu" or len(words) < len(MODES) or not all(map(_is_number, words)):
        told = f"/proc/stat begins with {first[:80]!r}, not with the ticks of all processors"
        raise ReadError(Reason.BAD_REPLY, told)
    return [int(word) for word in words[: len(_COLUMNS)]], _lines(rest)


def _lines(rest: bytes) -> int:
    """Count the lines of single processors, which stand together."""
    count = 0
    for line in rest.split(b"\n"):
        if not line.startswith(b"cpu"):
            break
        count += 1
    return count


def _is_number(word: bytes) -> bool:
    return word.isdigit() and len(word) <= MOST_DIGITS
