"""Parsers of a control group's files, of both versions.

Formats are those of the kernel's documentation: admin-guide/cgroup-v2, admin-guide/cgroup-v1 and
accounting/psi. Each takes the file's bytes and raises ValueError where the format is another, as
with a file that is not of a kernel.
"""

import math
import os
import re
from collections.abc import Mapping
from functools import lru_cache

from rackwatt_exporter.units.model import BlockUse, Pressure, RdmaUse

# Version 1 shows a limit that is not set as the largest multiple of a page below 2^63.
_UNLIMITED = 2**62
# Many groups have the same few contents of files that count what seldom happens.
_CACHED = 256
# What busy groups change at every reading is matched as a whole: half the time of looking at words.
_CPU = re.compile(
    rb"usage_usec (\d+)\nuser_usec (\d+)\nsystem_usec (\d+)\n"
    rb"(?:(?:.+\n)*?nr_throttled (\d+)\nthrottled_usec (\d+)\n)?"
)
_PRESSURE = re.compile(rb"some .*total=(\d+)\n(?:full .*total=(\d+)\n)?")
_BLOCK = re.compile(rb"(\d+:\d+) rbytes=(\d+) wbytes=(\d+) rios=(\d+) wios=(\d+)\b.*\n")
_MEMORY_V1 = re.compile(rb"\ntotal_cache (\d+)\ntotal_rss (\d+)\n(?:(?:.+\n)*?total_swap (\d+)\n)?")
MAX_CPUS = 65536
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def number(text: bytes) -> int:
    """Parse a file of one number, which cannot be negative.

    Raises:
        ValueError: it is not one.
    """
    if not text[:1].isdigit():
        raise ValueError(f"{text[:40]!r} is not a number")
    return int(text)


def limit(text: bytes) -> float:
    """Parse a limit; infinity where none is set (`max`, or the largest number).

    Raises:
        ValueError: it is not one.
    """
    if text.startswith(b"max"):
        return math.inf
    found = number(text)
    return math.inf if found >= _UNLIMITED else found


def numbers(text: bytes) -> dict[bytes, int]:
    """Parse lines of a key and a number, as those of `cpu.stat`.

    Raises:
        ValueError: they have another format.
    """
    words = text.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def cpu_v2(text: bytes) -> tuple[int, float, float, int | None, float | None]:
    """Parse `cpu.stat`: nanoseconds in total, seconds of user and system; throttled periods and s.

    The last two are None without the controller `cpu`.

    Raises:
        ValueError: it has another format.
    """
    match = _CPU.match(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no CPU time")
    usage, user, system, periods, throttled = match.groups()
    times = int(usage) * 1000, int(user) / 1e6, int(system) / 1e6
    if periods is not None:
        return *times, int(periods), int(throttled) / 1e6
    if b"nr_throttled" in text:
        raise ValueError(f"{text[-40:]!r} has no throttled time")
    return *times, None, None


@lru_cache(_CACHED)
def throttled_v1(text: bytes) -> tuple[int, float]:
    """Parse `cpu.stat` of version 1: throttled periods, and seconds.

    Raises:
        ValueError: it has another format.
    """
    return stat_field(text, b"nr_throttled"), stat_field(text, b"throttled_time") / 1e9


def seconds_of_ns(text: bytes) -> float:
    """Parse a file of nanoseconds.

    Raises:
        ValueError: it has another format.
    """
    return number(text) / 1e9


def seconds_of_ticks(text: bytes) -> tuple[float, float]:
    """Parse `cpuacct.stat`: seconds of user and system.

    Raises:
        ValueError: it has another format.
    """
    return stat_field(text, b"user") / _TICKS_PER_S, stat_field(text, b"system") / _TICKS_PER_S


def memory_v2(text: bytes) -> tuple[int, int]:
    """Parse `memory.stat`: bytes of anonymous memory and of files.

    Raises:
        ValueError: it has another format.
    """
    words = text.split(None, 4)
    if len(words) > 3 and words[0] == b"anon" and words[2] == b"file":
        return number(words[1]), number(words[3])
    return stat_field(text, b"anon"), stat_field(text, b"file")


def memory_v1(text: bytes) -> tuple[int, int, int | None]:
    """Parse `memory.stat`: bytes of anonymous memory, of files and of swap, below it as well.

    Swap is None where it is not accounted.

    Raises:
        ValueError: it has another format.
    """
    match = _MEMORY_V1.search(text)
    if match is not None and match[3] is not None:
        return int(match[2]), int(match[1]), int(match[3])
    swap = stat_field(text, b"total_swap") if b"\ntotal_swap " in text else None
    return stat_field(text, b"total_rss"), stat_field(text, b"total_cache"), swap


def stat_field(text: bytes, name: bytes) -> int:
    """Return one number of lines of a key and a number.

    Raises:
        ValueError: there is none of this name.
    """
    key = b"\n%b " % name
    if text.startswith(key[1:]):
        start = len(key) - 1
    elif (at := text.find(key)) >= 0:
        start = at + len(key)
    else:
        raise ValueError(f"no {name.decode()} in {text[:40]!r}")
    end = text.find(b"\n", start)
    return number(text[start:end] if end >= 0 else text[start:])


@lru_cache(_CACHED)
def events(text: bytes) -> tuple[int | None, int | None, int | None]:
    """Parse `memory.events`: how often the limit was reached, memory ran out, a task was killed.

    Raises:
        ValueError: it has another format.
    """
    found = numbers(text)
    return found.get(b"max"), found.get(b"oom"), found.get(b"oom_kill")


@lru_cache(_CACHED)
def swap_failures(text: bytes) -> int:
    """Parse `memory.swap.events`: how often swap was refused.

    Raises:
        ValueError: it has another format.
    """
    return stat_field(text, b"fail")


def pressure(text: bytes) -> Pressure:
    """Parse a file of PSI; `full` is not there for CPUs before Linux 5.13.

    Raises:
        ValueError: it has another format.
    """
    match = _PRESSURE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no pressure")
    some, full = match.groups()
    return Pressure(int(some) / 1e6, None if full is None else int(full) / 1e6)


def blocks_v2(text: bytes, names: Mapping[str, str]) -> tuple[BlockUse, ...]:
    """Parse `io.stat`; `names` has the name of each device by its number.

    Raises:
        ValueError: it has another format.
    """
    uses = _BLOCK.findall(text)
    if len(uses) < text.count(b":") and (line := _no_use(text)):
        raise ValueError(f"{line[:40]!r} is no use of a block device")
    return tuple(
        [
            BlockUse(
                names[device.decode("ascii")], int(read), int(written), int(reads), int(writes)
            )
            for device, read, written, reads, writes in uses
        ]
    )


def _no_use(text: bytes) -> bytes:
    """Return the first line that is no use of a device; that of an idle one has no numbers."""
    lines = (line for line in text.splitlines(keepends=True) if len(line.split()) > 1)
    return next((line for line in lines if not _BLOCK.fullmatch(line)), b"")


def blocks_v1(text: bytes) -> dict[str, tuple[int, int]]:
    """Parse a file of `blkio.throttle`: reads and writes by device number.

    Raises:
        ValueError: it has another format.
    """
    words = text.split()  # each line has three, but for the last, which is a sum
    read: dict[bytes, int] = {}
    written: dict[bytes, int] = {}
    for device, what, count in zip(words[::3], words[1::3], words[2::3], strict=False):
        if what == b"Read":
            read[device] = number(count)
        elif what == b"Write":
            written[device] = number(count)
    if read.keys() != written.keys():
        raise ValueError(f"{text[:40]!r} is no use of block devices")
    return {device.decode("ascii"): (count, written[device]) for device, count in read.items()}


@lru_cache(_CACHED)
def rdma(text: bytes) -> tuple[RdmaUse, ...]:
    """Parse `rdma.current`.

    Raises:
        ValueError: it has another format.
    """
    return tuple(_rdma(line) for line in text.splitlines() if line.strip())


def _rdma(line: bytes) -> RdmaUse:
    device, _, rest = line.decode("ascii").partition(" ")
    found = dict(pair.split("=", 1) for pair in rest.split())
    try:
        return RdmaUse(device, int(found["hca_handle"]), int(found["hca_object"]))
    except KeyError as error:
        raise ValueError(f"no {error.args[0]} in {line[:40]!r}") from None


def cpu_list_size(text: bytes) -> int:
    """Count the CPUs of a list such as `0-3,8`; 0 where it is empty.

    Raises:
        ValueError: it is no such list.
    """
    count = 0
    for part in text.strip().split(b",") if text.strip() else ():
        first, dash, last = part.partition(b"-")
        low = number(first)
        high = number(last) if dash else low
        if not low <= high < MAX_CPUS:
            raise ValueError(f"{text[:40]!r} is no list of CPUs")
        count += high - low + 1
    return count


def cpu_quota(text: bytes) -> float:
    """Parse `cpu.max`: CPUs that the quota allows; infinity where there is none.

    Raises:
        ValueError: it has another format.
    """
    quota, period = text.split()
    return math.inf if quota == b"max" else number(quota) / max(1, number(period))


@lru_cache(_CACHED)
def is_populated(text: bytes) -> bool:
    """Return whether `cgroup.events` says that the group, or one below it, has a process.

    Raises:
        ValueError: it does not say.
    """
    return stat_field(text, b"populated") > 0
