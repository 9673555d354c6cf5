"""Use of the whole machine, which its units use a part of: CPU time, and memory.

It is read here, at each advance of the ledger, and does not depend on which collectors a document
names. Time that the CPUs waited, or that a hypervisor gave to others, is not busy.
"""

from rackwatt_exporter.collectors.cpu import MODES, TICKS_PER_S, parse_stat
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.memory import parse_meminfo
from rackwatt_exporter.collectors.open_file import OpenFile
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import ReadError, Reason

_BUSY = [MODES.index(mode) for mode in ("user", "nice", "system", "irq", "softirq")]
_NS_PER_TICK = 10**9 // TICKS_PER_S
_STAT_BYTES = 64 * 1024
_MEMINFO_BYTES = 64 * 1024


class NodeUse:
    """The CPUs and the memory of one machine."""

    def __init__(self, host: HostPaths) -> None:
        self._stat = OpenFile(host.procfs / "stat")
        self._meminfo = OpenFile(host.procfs / "meminfo")

    def busy_ns(self) -> tuple[int, int]:
        """Return the busy time of all CPUs since boot, and the number of CPUs.

        Raises:
            ReadError: /proc/stat cannot be read, or is not as proc(5) says.
        """
        ticks, cpus = parse_stat(_read(self._stat, _STAT_BYTES))
        return sum(ticks[index] for index in _BUSY) * _NS_PER_TICK, cpus

    def used_bytes(self) -> int:
        """Return the memory in use: what is neither free nor could be freed at once.

        Raises:
            ReadError: /proc/meminfo cannot be read, or is not as proc(5) says.
        """
        sizes, _ = parse_meminfo(_read(self._meminfo, _MEMINFO_BYTES))
        try:
            return max(0, sizes["MemTotal"] - sizes["MemAvailable"])
        except KeyError as error:
            message = f"{self._meminfo.path} has no {error.args[0]}"
            raise ReadError(Reason.BAD_REPLY, message) from None

    def close(self) -> None:
        """Close both files."""
        self._stat.close()
        self._meminfo.close()


def _read(file: OpenFile, max_bytes: int) -> bytes:
    try:
        return file.read(max_bytes)
    except OSError as error:
        raise read_error(file.path, error) from None
