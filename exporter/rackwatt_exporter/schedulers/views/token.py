"""Families of the token that a scheduler is polled with: since when and until when it is good."""

from collections.abc import Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

ISSUED = MetricFamily(
    "rackwatt_scheduler_token_issued_timestamp_seconds",
    "gauge",
    "Unix time at which the token that the scheduler is polled with was issued.",
    SCHEDULER_LABELS,
    "seconds",
)
EXPIRY = MetricFamily(
    "rackwatt_scheduler_token_expiry_timestamp_seconds",
    "gauge",
    "Unix time at which the token that the scheduler is polled with expires.",
    SCHEDULER_LABELS,
    "seconds",
)
FAMILIES = (ISSUED, EXPIRY)


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples; a token that does not say has none."""
    if snapshot.token_issued_at_s is not None:
        yield Sample(ISSUED, (), snapshot.token_issued_at_s)
    if snapshot.token_expires_at_s is not None:
        yield Sample(EXPIRY, (), snapshot.token_expires_at_s)
