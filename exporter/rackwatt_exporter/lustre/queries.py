"""Queries of Prometheus: one instant query for each measure.

The expressions are those of prometheus-cluster-exporter, over the families that HPE's and GSI's
lustre_exporter serve. A metadata server's targets are chosen in the query, so that Prometheus does
not send the many series of storage targets.
"""

from enum import StrEnum


class Measure(StrEnum):
    """What is measured of a job id."""

    METADATA = "metadata"
    READ = "read"
    WRITE = "write"


_METADATA = (
    "round(sum by(target,jobid)(irate("
    'lustre_job_stats_total{{target=~".*-MDT[0-9a-fA-F]{{4}}"}}[{range}])>=1))'
)
_THROUGHPUT = "sum by(jobid)(irate(lustre_job_{kind}_bytes_total[{range}])!=0)"


def expression(measure: Measure, range_text: str) -> str:
    """Return the query of a measure over a range such as `1m`."""
    if measure is Measure.METADATA:
        return _METADATA.format(range=range_text)
    return _THROUGHPUT.format(kind=measure.value, range=range_text)


def dimensions(measure: Measure) -> tuple[str, ...]:
    """Return the labels of a measure beside the job id."""
    return ("target",) if measure is Measure.METADATA else ()
