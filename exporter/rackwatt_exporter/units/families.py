"""Metric families of units, in base units; counters are those that the kernel counts.

The first labels are the same for all: the node, the manager, and the unit's id there.
"""

from rackwatt_exporter.metrics.family import MetricFamily

UNIT = ("node", "manager", "unit")


def _gauge(name: str, text: str, unit: str = "", *labels: str) -> MetricFamily:
    return MetricFamily(f"rackwatt_unit_{name}", "gauge", text, (*UNIT, *labels), unit)


def _counter(name: str, text: str, unit: str = "", *labels: str) -> MetricFamily:
    return MetricFamily(f"rackwatt_unit_{name}_total", "counter", text, (*UNIT, *labels), unit)


UNITS = MetricFamily(
    "rackwatt_units", "gauge", "Number of units of the node that run now.", ("node", "manager")
)
INFO = _gauge(
    "info",
    "1 for each unit; labels that are unknown are empty.",
    "",
    *("uuid", "user", "account", "name", "namespace"),
)
CPU = _counter("cpu_seconds", "Total CPU time by mode.", "seconds", "mode")
CPUS = _gauge("cpus", "Number of CPUs that the unit holds.")
THROTTLED = _counter(
    "cpu_throttled_seconds", "Total time that tasks waited for the next period.", "seconds"
)
THROTTLED_PERIODS = _counter(
    "cpu_throttled_periods", "Total number of periods whose quota of CPU time was used up."
)
ANONYMOUS = _gauge("memory_anonymous_bytes", "Anonymous memory in use.", "bytes")
FILE = _gauge("memory_file_bytes", "Page cache in use.", "bytes")
MEMORY = _gauge("memory_used_bytes", "All memory in use, that of the kernel included.", "bytes")
MEMORY_LIMIT = _gauge("memory_limit_bytes", "Limit of memory; +Inf where none is set.", "bytes")
MEMORY_FAILURES = _counter(
    "memory_failures", "Total number of times that the limit of memory was reached."
)
OOMS = _counter(
    "memory_ooms", "Total number of times that no memory could be reclaimed at the limit."
)
OOM_KILLS = _counter("oom_kills", "Total number of processes killed for want of memory.")
SWAP = _gauge("swap_used_bytes", "Swap in use.", "bytes")
SWAP_LIMIT = _gauge("swap_limit_bytes", "Limit of swap; +Inf where none is set.", "bytes")
SWAP_FAILURES = _counter("swap_failures", "Total number of times that swap was refused.")
WAITING = _counter(
    "pressure_waiting_seconds",
    "Total time in which some tasks waited for the resource.",
    "seconds",
    "resource",
)
STALLED = _counter(
    "pressure_stalled_seconds",
    "Total time in which all tasks waited for the resource.",
    "seconds",
    "resource",
)
TASKS = _gauge("tasks", "Number of processes and threads.")
READ_BYTES = _counter("block_read_bytes", "Total bytes read from the device.", "bytes", "device")
WRITTEN_BYTES = _counter(
    "block_written_bytes", "Total bytes written to the device.", "bytes", "device"
)
READS = _counter("block_reads", "Total number of reads from the device.", "", "device")
WRITES = _counter("block_writes", "Total number of writes to the device.", "", "device")
RDMA_HANDLES = _gauge("rdma_handles", "Number of RDMA handles held.", "", "device")
RDMA_OBJECTS = _gauge("rdma_objects", "Number of RDMA objects held.", "", "device")
STEP_CPU = _counter(
    "step_cpu_seconds", "Total CPU time of a step by mode.", "seconds", "step", "mode"
)
STEP_ANONYMOUS = _gauge(
    "step_memory_anonymous_bytes", "Anonymous memory in use by a step.", "bytes", "step"
)
STEP_MEMORY = _gauge("step_memory_used_bytes", "All memory in use by a step.", "bytes", "step")

GPU_SHARE = _gauge(
    "gpu_share",
    "Share of a GPU that the unit holds; `instance` is empty for a whole one. All shares of a "
    "GPU are 1 at most.",
    "",
    *("gpu", "gpu_uuid", "instance"),
)

# Families of one number for each unit, with the field of a UnitReading that has it.
SINGLE = {
    CPUS: "cpus",
    THROTTLED: "throttled_s",
    THROTTLED_PERIODS: "throttled_periods",
    ANONYMOUS: "anonymous_bytes",
    FILE: "file_bytes",
    MEMORY: "memory_bytes",
    MEMORY_LIMIT: "memory_limit_bytes",
    MEMORY_FAILURES: "memory_failures",
    OOMS: "ooms",
    OOM_KILLS: "oom_kills",
    SWAP: "swap_bytes",
    SWAP_LIMIT: "swap_limit_bytes",
    SWAP_FAILURES: "swap_failures",
    TASKS: "tasks",
}
PRESSURES = {"cpu": "cpu_pressure", "memory": "memory_pressure", "io": "io_pressure"}
BLOCKS = {READ_BYTES: 1, WRITTEN_BYTES: 2, READS: 3, WRITES: 4}
RDMA = {RDMA_HANDLES: 1, RDMA_OBJECTS: 2}
STEPS = {STEP_ANONYMOUS: "anonymous_bytes", STEP_MEMORY: "memory_bytes"}

FAMILIES = (
    UNITS,
    INFO,
    CPU,
    *SINGLE,
    WAITING,
    STALLED,
    *BLOCKS,
    *RDMA,
    GPU_SHARE,
    STEP_CPU,
    *STEPS,
)
