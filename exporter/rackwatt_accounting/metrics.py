"""Metrics of accounting itself: how old its knowledge is, what fails, whom it refused."""

from collections.abc import Iterator, Mapping

from rackwatt_accounting.updating.cycle import Progress
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import line

_SUBJECT = ("cluster", "subject")

UP = MetricFamily(
    "rackwatt_accounting_up",
    "gauge",
    "1 if the last update of the subject succeeded, 0 otherwise.",
    _SUBJECT,
)
LAST_UPDATE = MetricFamily(
    "rackwatt_accounting_last_update_timestamp_seconds",
    "gauge",
    "Unix time of the last successful update of the subject.",
    _SUBJECT,
    "seconds",
)
DURATION = MetricFamily(
    "rackwatt_accounting_update_duration_seconds",
    "gauge",
    "Duration of the last update of the subject, successful or not.",
    _SUBJECT,
    "seconds",
)
RECORDS = MetricFamily(
    "rackwatt_accounting_records_total",
    "counter",
    "Total number of records written, those that were written again included.",
    _SUBJECT,
)
REFUSED = MetricFamily(
    "rackwatt_accounting_refused_requests_total",
    "counter",
    "Total number of requests that were refused, by reason.",
    ("reason",),
)


def render(progress: Mapping[tuple[str, str], Progress], refused: Mapping[str, int]) -> bytes:
    """Return the metrics in Prometheus' text format."""
    parts = []
    for family, lines in _families(progress, refused):
        if lines:
            parts.append(family.header(openmetrics=False))
            parts.extend(one.decode() for one in lines)
    return "".join(parts).encode()


def _families(
    progress: Mapping[tuple[str, str], Progress], refused: Mapping[str, int]
) -> Iterator[tuple[MetricFamily, list[bytes]]]:
    done = {key: one for key, one in progress.items() if one.duration_s}
    yield UP, [line(UP, key, int(not one.is_failing)) for key, one in done.items()]
    yield LAST_UPDATE, [
        line(LAST_UPDATE, key, f"{one.succeeded_at_s:.3f}")
        for key, one in done.items() if one.succeeded_at_s is not None
    ]  # fmt: skip
    yield DURATION, [line(DURATION, key, f"{one.duration_s:.6f}") for key, one in done.items()]
    yield RECORDS, [line(RECORDS, key, one.records) for key, one in done.items()]
    yield REFUSED, [line(REFUSED, (reason,), count) for reason, count in sorted(refused.items())]
