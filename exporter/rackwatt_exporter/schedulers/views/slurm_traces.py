"""Families of prometheus-slurm-exporter for traced jobs, by its names and labels.

There a job has one process. Here its processes are added up by user, since these names have no
label that distinguishes them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.trace import TraceReport
from rackwatt_exporter.schedulers.views.slurm_families import family

PID = family(
    "slurm_proc_pid",
    "Process id of the traced command; of several on a host that of the lowest rank.",
    "jobid",
    "hostname",
)
CPU_USAGE = family(
    "slurm_proc_cpu_usage", "CPU usage of the traced processes in percent of one CPU.", "jobid",
    "username",
)  # fmt: skip
MEM_USAGE = family(
    "slurm_proc_mem_usage", "Resident memory of the traced processes in bytes.", "jobid", "username"
)
THREADS = family(
    "slurm_proc_threadcount", "Number of threads of the traced processes.", "jobid", "username"
)
READ = family(
    "slurm_proc_read_bytes", "Bytes that the traced processes have read.", "jobid", "username"
)
WRITTEN = family(
    "slurm_proc_write_bytes", "Bytes that the traced processes have written.", "jobid", "username"
)
JOB_CPUS = family("slurm_job_cpu_alloc", "Number of CPUs that a traced job holds.", "jobid")
JOB_MEMORY = family("slurm_job_mem_alloc", "Memory in bytes that a traced job holds.", "jobid")
FAMILIES = (PID, CPU_USAGE, MEM_USAGE, THREADS, READ, WRITTEN, JOB_CPUS, JOB_MEMORY)


def samples(reports: Sequence[TraceReport], jobs: Mapping[str, Job] | None) -> Iterator[Sample]:
    """Go through the samples of traced jobs; `jobs` are those that Slurm lists, by id."""
    yield from _pids(reports)
    yield from _sums(reports)
    for name in dict.fromkeys(report.job for report in reports):
        job = jobs.get(name) if jobs else None
        if job is not None and job.allocated is not None:
            if job.allocated.cpus is not None:
                yield Sample(JOB_CPUS, (name,), job.allocated.cpus)
            if job.allocated.memory_bytes is not None:
                yield Sample(JOB_MEMORY, (name,), job.allocated.memory_bytes)


def _pids(reports: Iterable[TraceReport]) -> Iterator[Sample]:
    first: dict[tuple[str, str], tuple[int, int]] = {}
    for report in reports:
        key, mark = (report.job, report.hostname), (report.rank or 0, report.pid)
        first[key] = min(mark, first.get(key, mark))
    for key, (_, pid) in first.items():
        yield Sample(PID, key, pid)


def _sums(reports: Iterable[TraceReport]) -> Iterator[Sample]:
    """Add up the processes of a user; where one has not measured something, no sum has it."""
    sums: dict[tuple[MetricFamily, tuple[str, str]], float | None] = {}
    for report in reports:
        for one, number in (
            (CPU_USAGE, report.cpus),
            (MEM_USAGE, report.mem),
            (THREADS, report.threads),
            (READ, report.read_bytes),
            (WRITTEN, report.write_bytes),
        ):
            key = one, (report.job, report.username)
            known = sums.get(key, 0)
            sums[key] = None if known is None or number is None else known + number
    for (one, labels), value in sums.items():
        if value is not None:
            yield Sample(one, labels, value)
