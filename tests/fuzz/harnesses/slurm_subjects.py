"""Licences, reservations, partitions and diagnostics: each once, of numbers that were printed."""

import re
from collections.abc import Callable, Iterator

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.diagnostics import Diagnostics
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm import (
    diagnostics,
    licenses,
    partitions,
    reservations,
    sdiag_text,
)
from rackwatt_exporter.schedulers.slurm.subject import Parsed
from rackwatt_exporter.schedulers.views import diagnostics as daemon_families
from rackwatt_exporter.schedulers.views import queues as queue_families

_PARSERS: tuple[tuple[str, Callable[[bytes], Parsed]], ...] = (
    ("licenses", licenses.parse_text),
    ("licenses", licenses.parse_json),
    ("reservations", reservations.parse_text),
    ("reservations", reservations.parse_json),
    ("queues", partitions.parse_text),
    ("queues", partitions.parse_json),
    ("diagnostics", sdiag_text.parse_text),
    ("diagnostics", diagnostics.parse_json),
)


def examine(data: bytes) -> None:
    """Read it as each output and answer."""
    for field, parse in _PARSERS:
        try:
            parsed = parse(data)
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            assert str(error).isprintable()
            continue
        snapshot = SchedulerSnapshot({}, **{field: parsed.value})  # type: ignore[arg-type]
        assert relay.decode(relay.encode(snapshot)) == snapshot
        _examine(snapshot, data)


def _examine(snapshot: SchedulerSnapshot, data: bytes) -> None:
    keyed = [snapshot.licenses, snapshot.reservations, snapshot.queues]
    for records in keyed:
        assert len({one.key for one in records or ()}) == len(records or ())
    for view in (daemon_families, queue_families):
        samples = list(view.samples(snapshot))
        assert len({(family, labels) for family, labels, _ in samples}) == len(samples)
        assert all(number >= 0 for *_, number in samples)
    runs = set(re.findall(rb"[0-9]+", data))
    for number in _printed(snapshot):
        assert any(str(number).encode() in run for run in runs)


def _printed(snapshot: SchedulerSnapshot) -> Iterator[int]:
    """Go through numbers that are passed on as they were printed."""
    daemon = snapshot.diagnostics or Diagnostics()
    numbers = [daemon.threads, daemon.backfill.last_us, *daemon.jobs.values()]
    numbers += [one.used for one in snapshot.licenses or ()]
    numbers += [one.cores for one in snapshot.reservations or ()]
    numbers += [one.nodes for one in snapshot.queues or ()]
    yield from (number for number in numbers if number is not None)
