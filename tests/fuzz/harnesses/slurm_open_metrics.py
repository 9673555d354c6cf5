"""The text of slurmctld's metrics: numbers that are printed in it, in a snapshot, or a bad reply."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.numbers import Numbers
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm import open_metrics_text as metrics

S = TypeVar("S", Mapping[str, int], metrics.Samples)
T = TypeVar("T")


def examine(data: bytes) -> None:
    """Read it as each page."""
    samples, totals = metrics.parse_samples(data), metrics.parse_totals(data)
    assert samples.totals == totals
    printed = {int(digits) for digits in re.findall(rb"[0-9]+", data)}
    assert printed.issuperset(totals.values())
    for labelled in samples.labelled.values():
        assert printed.issuperset(labelled.values())
    users = metrics.jobs_by_label(samples, "user")
    nodes = _read(metrics.node_numbers, totals)
    numbers = Numbers(*(nodes[:2] if nodes else ({}, {})), {}, {}, users=users)
    snapshot = SchedulerSnapshot(
        {},
        unread=nodes.unread if nodes else 0,
        numbers=numbers,
        queues=_read(metrics.queues, samples),
        diagnostics=_read(metrics.diagnostics, totals),
    )
    assert relay.decode(relay.encode(snapshot)) == snapshot


def _read(parse: Callable[[S], T], of: S) -> T | None:
    try:
        return parse(of)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        assert str(error).isprintable()
        return None
