"""Families of traced jobs: what the processes of their commands use, as they report it.

Each process has its own series, and no job more than it reports. Their text is written when a
report comes, since a scrape of all of them at once would hold up the event loop.
"""

from collections.abc import Iterator, Mapping

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.metrics.text import labels
from rackwatt_exporter.schedulers.model.trace import TraceReport
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_PROCESS = (*SCHEDULER_LABELS, "jobid", "step", "node", "rank", "pid")
_TOTAL = "since the start of its command."

JOBS = MetricFamily(
    "rackwatt_scheduler_trace_jobs",
    "gauge",
    "Number of jobs with reports, by whether the scheduler lists them: yes, no, or unknown while "
    "its jobs are not known. Jobs that it does not list have no other series.",
    (*SCHEDULER_LABELS, "listed"),
)
REPORTS = MetricFamily(
    "rackwatt_scheduler_trace_reports_total",
    "counter",
    "Total number of reports of jobs, by result: accepted, invalid, unauthorized or limited.",
    (*SCHEDULER_LABELS, "result"),
)
CPUS = MetricFamily(
    "rackwatt_scheduler_trace_used_cpus",
    "gauge",
    "Number of CPUs that the processes kept busy since the report before.",
    _PROCESS,
)
MEMORY = MetricFamily(
    "rackwatt_scheduler_trace_memory_bytes",
    "gauge",
    "Resident memory of the processes; memory that they share counts for each.",
    _PROCESS,
    "bytes",
)
THREADS = MetricFamily(
    "rackwatt_scheduler_trace_threads", "gauge", "Number of threads of the processes.", _PROCESS
)
PROCESSES = MetricFamily(
    "rackwatt_scheduler_trace_processes",
    "gauge",
    "Number of processes: the command and all of its descendants.",
    _PROCESS,
)
READ = MetricFamily(
    "rackwatt_scheduler_trace_read_bytes_total",
    "counter",
    f"Bytes that the process had storage read, {_TOTAL}",
    _PROCESS,
    "bytes",
)
WRITTEN = MetricFamily(
    "rackwatt_scheduler_trace_written_bytes_total",
    "counter",
    f"Bytes that the process had storage write, {_TOTAL}",
    _PROCESS,
    "bytes",
)
GPUS = MetricFamily(
    "rackwatt_scheduler_trace_gpus",
    "gauge",
    "Number of GPUs on which the processes run.",
    _PROCESS,
)
GPU_MEMORY = MetricFamily(
    "rackwatt_scheduler_trace_gpu_memory_bytes",
    "gauge",
    "Memory of GPUs that the processes hold.",
    _PROCESS,
    "bytes",
)
GPU_ENERGY = MetricFamily(
    "rackwatt_scheduler_trace_gpu_energy_joules_total",
    "counter",
    f"Energy of GPUs while no process but these ran on them, {_TOTAL}",
    _PROCESS,
    "joules",
)
NODE_ENERGY = MetricFamily(
    "rackwatt_scheduler_trace_node_energy_joules_total",
    "counter",
    f"Energy of the whole node of the process, whatever ran there, {_TOTAL}",
    _PROCESS,
    "joules",
)
PER_PROCESS = (
    CPUS, MEMORY, THREADS, PROCESSES, READ, WRITTEN, GPUS, GPU_MEMORY, GPU_ENERGY, NODE_ENERGY,
)  # fmt: skip
FAMILIES = (JOBS, REPORTS, *PER_PROCESS)

ProcessText = Mapping[MetricFamily, bytes]
"""The line of a process in each family that it has."""


def text(scheduler: tuple[str, str], report: TraceReport) -> ProcessText:
    """Write the line of each family; what was not measured has none."""
    head = labels(zip(_PROCESS, (*scheduler, *map(str, report.key)), strict=True))
    return {
        family: f"{family.name}{head} {number}\n".encode()
        for family, number in _numbers(report)
        if number is not None
    }


def samples(jobs: Mapping[str, int], results: Mapping[str, int]) -> Iterator[Sample]:
    """Go through how many jobs are traced, by whether they are listed, and how many reports."""
    for listed, count in jobs.items():
        yield Sample(JOBS, (listed,), count)
    for result, count in results.items():
        yield Sample(REPORTS, (result,), count)


def _numbers(report: TraceReport) -> Iterator[tuple[MetricFamily, float | None]]:
    yield CPUS, None if report.cpus is None else report.cpus / 100
    yield MEMORY, report.mem
    yield THREADS, report.threads
    yield PROCESSES, report.processes
    yield READ, report.read_bytes
    yield WRITTEN, report.write_bytes
    yield GPUS, report.gpus
    yield GPU_MEMORY, report.gpu_mem
    yield GPU_ENERGY, report.gpu_joules
    yield NODE_ENERGY, report.node_joules
