"""Families of the token that a scheduler is polled with."""

from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.token import EXPIRY, ISSUED, samples


def test_a_token_has_the_times_that_it_says() -> None:
    whole = SchedulerSnapshot({}, token_issued_at_s=1_000, token_expires_at_s=4_600)
    assert list(samples(whole)) == [Sample(ISSUED, (), 1_000), Sample(EXPIRY, (), 4_600)]
    unissued = SchedulerSnapshot({}, token_expires_at_s=4_600)
    assert list(samples(unissued)) == [Sample(EXPIRY, (), 4_600)]


def test_a_scheduler_without_a_token_has_no_times() -> None:
    assert list(samples(SchedulerSnapshot({}))) == []
