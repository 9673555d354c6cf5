"""Resource usage of this process, by the names that Prometheus' client libraries use.

Written here, not by Prometheus' client library: it takes 1.2 MiB to import, and every machine that
is measured from inside would hold them for these nine families.
"""

import gc
import os
import resource
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from rackwatt_exporter.metrics.family import MetricFamily

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_DESCRIPTORS = "/proc/self/fd"
_GENERATION = ("generation",)

PROCESSOR = MetricFamily(
    "process_cpu_seconds_total",
    "counter",
    "Total user and system CPU time spent in seconds.",
    (),
    "seconds",
)
RESIDENT = MetricFamily(
    "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", (), "bytes"
)
VIRTUAL = MetricFamily(
    "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", (), "bytes"
)
STARTED = MetricFamily(
    "process_start_time_seconds",
    "gauge",
    "Start time of the process since unix epoch in seconds.",
    (),
    "seconds",
)
OPEN = MetricFamily("process_open_fds", "gauge", "Number of open file descriptors.", ())
MOST_OPEN = MetricFamily("process_max_fds", "gauge", "Maximum number of open file descriptors.", ())
COLLECTIONS = MetricFamily(
    "python_gc_collections_total",
    "counter",
    "Total number of times each generation was collected.",
    _GENERATION,
)
COLLECTED = MetricFamily(
    "python_gc_objects_collected_total",
    "counter",
    "Total number of objects collected during gc.",
    _GENERATION,
)
UNCOLLECTABLE = MetricFamily(
    "python_gc_objects_uncollectable_total",
    "counter",
    "Total number of uncollectable objects found during gc.",
    _GENERATION,
)

_GARBAGE = {COLLECTIONS: "collections", COLLECTED: "collected", UNCOLLECTABLE: "uncollectable"}
PER_USAGE = (PROCESSOR, RESIDENT, VIRTUAL, STARTED, OPEN, MOST_OPEN, *_GARBAGE)


def usage_samples() -> Iterator[tuple[MetricFamily, list[str]]]:
    """Yield each family with its samples, without its name; none where the kernel has no value."""
    yield PROCESSOR, [f" {time.process_time():.6f}"]
    for family, read in _KERNELS.items():
        try:
            yield family, [f" {read()}"]
        except (OSError, LookupError, ValueError):
            yield family, []
    generations = list(enumerate(gc.get_stats()))
    for family, name in _GARBAGE.items():
        yield family, [f'{{generation="{number}"}} {one[name]}' for number, one in generations]


def _virtual_bytes() -> int:
    return int(_statm()[0]) * _PAGE_BYTES


def _resident_bytes() -> int:
    return int(_statm()[1]) * _PAGE_BYTES


def _statm() -> list[str]:
    return Path("/proc/self/statm").read_text().split()


@cache
def _started_s() -> float:
    """Return the start of this process, as Unix time (proc(5), starttime and btime)."""
    after_boot = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    booted_s = Path("/proc/stat").read_text().partition("\nbtime ")[2].split()[0]
    return int(booted_s) + int(after_boot) / _TICKS_PER_S


def _open() -> int:
    """Return their number: the directory's size since Linux 6.2, which was 0 before."""
    return os.stat(_DESCRIPTORS).st_size or len(os.listdir(_DESCRIPTORS))


def _most_open() -> str:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return "+Inf" if most == resource.RLIM_INFINITY else str(most)


_KERNELS: dict[MetricFamily, Callable[[], object]] = {
    RESIDENT: _resident_bytes,
    VIRTUAL: _virtual_bytes,
    STARTED: _started_s,
    OPEN: _open,
    MOST_OPEN: _most_open,
}
