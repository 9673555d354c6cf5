"""Families of Lustre's I/O, by the names of prometheus-cluster-exporter, and what is unmatched.

docs/migration/cluster-exporter.md says what differs from its own page, and why.
"""

from collections.abc import Iterator, Mapping

from rackwatt_exporter.lustre.join import MissingOwner, Sums
from rackwatt_exporter.lustre.queries import Measure
from rackwatt_exporter.lustre.reading import LustreReading
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_JOB = (*SCHEDULER_LABELS, "account", "user")
_PROCESS = (*SCHEDULER_LABELS, "proc_name", "group_name", "user_name")
_UNMATCHED = (*SCHEDULER_LABELS, "reason")

SCRAPE_OK = MetricFamily(
    "cluster_exporter_scrape_ok",
    "gauge",
    "1 if the last poll of Prometheus returned everything, 0 otherwise.",
    SCHEDULER_LABELS,
)
STAGE_SECONDS = MetricFamily(
    "cluster_exporter_stage_execution_seconds",
    "gauge",
    "Time that a stage of the last successful poll took.",
    (*SCHEDULER_LABELS, "name"),
    "seconds",
)
JOB_METADATA = MetricFamily(
    "cluster_job_metadata_operations",
    "gauge",
    "Metadata operations per second of all jobs of an account and user on a metadata target.",
    (*_JOB, "target"),
)
JOB_READ = MetricFamily(
    "cluster_job_read_throughput_bytes",
    "gauge",
    "Bytes per second that all jobs of an account and user read.",
    _JOB,
)
JOB_WRITE = MetricFamily(
    "cluster_job_write_throughput_bytes",
    "gauge",
    "Bytes per second that all jobs of an account and user write.",
    _JOB,
)
PROCESS_METADATA = MetricFamily(
    "cluster_proc_metadata_operations",
    "gauge",
    "Metadata operations per second of processes outside jobs on a metadata target.",
    (*_PROCESS, "target"),
)
PROCESS_READ = MetricFamily(
    "cluster_proc_read_throughput_bytes",
    "gauge",
    "Bytes per second that processes outside jobs read.",
    _PROCESS,
)
PROCESS_WRITE = MetricFamily(
    "cluster_proc_write_throughput_bytes",
    "gauge",
    "Bytes per second that processes outside jobs write.",
    _PROCESS,
)
UNMATCHED_JOBIDS = MetricFamily(
    "rackwatt_lustre_unmatched_jobids",
    "gauge",
    "Number of job ids with I/O that are of no job and no process, by the reason.",
    _UNMATCHED,
)
UNMATCHED_METADATA = MetricFamily(
    "rackwatt_lustre_unmatched_metadata_operations_per_second",
    "gauge",
    "Metadata operations per second of job ids without a match.",
    _UNMATCHED,
)
UNMATCHED_READ = MetricFamily(
    "rackwatt_lustre_unmatched_read_bytes_per_second",
    "gauge",
    "Bytes per second that job ids without a match read.",
    _UNMATCHED,
)
UNMATCHED_WRITE = MetricFamily(
    "rackwatt_lustre_unmatched_write_bytes_per_second",
    "gauge",
    "Bytes per second that job ids without a match write.",
    _UNMATCHED,
)
UNREAD = MetricFamily(
    "rackwatt_lustre_unread_samples",
    "gauge",
    "Number of samples of the last answers that could not be read.",
    SCHEDULER_LABELS,
)

_BY_MEASURE = {
    Measure.METADATA: (JOB_METADATA, PROCESS_METADATA, UNMATCHED_METADATA),
    Measure.READ: (JOB_READ, PROCESS_READ, UNMATCHED_READ),
    Measure.WRITE: (JOB_WRITE, PROCESS_WRITE, UNMATCHED_WRITE),
}
_OF_SUMS = [family for families in _BY_MEASURE.values() for family in families]
VIEWS = (STAGE_SECONDS, *_OF_SUMS, UNMATCHED_JOBIDS, UNREAD)
FAMILIES = (SCRAPE_OK, *VIEWS)


def samples(reading: LustreReading) -> Iterator[Sample]:
    """Go through the samples of a reading; a measure whose query failed has none."""
    for stage, seconds in reading.stages.items():
        yield Sample(STAGE_SECONDS, (stage,), round(seconds, 6))
    yield from _of_sums(reading.sums)
    for reason in MissingOwner:
        yield Sample(UNMATCHED_JOBIDS, (reason,), reading.jobids[reason])
    yield Sample(UNREAD, (), reading.unread)


def _of_sums(sums: Mapping[Measure, Sums]) -> Iterator[Sample]:
    for measure, of_measure in sums.items():
        of_jobs, of_processes, unmatched = _BY_MEASURE[measure]
        for labels, value in of_measure.jobs.items():
            yield Sample(of_jobs, labels, value)
        for labels, value in of_measure.processes.items():
            yield Sample(of_processes, labels, value)
        for reason, value in of_measure.unmatched.items():
            yield Sample(unmatched, (reason,), value)
