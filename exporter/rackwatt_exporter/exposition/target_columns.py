"""The columns of targets: from what is known of each to the samples of every family."""

import math
from collections.abc import Iterator, Sequence
from operator import attrgetter

from rackwatt_exporter.exposition import families as f
from rackwatt_exporter.exposition.column import Column
from rackwatt_exporter.exposition.labels import TargetLabels
from rackwatt_exporter.exposition.snapshot import TargetSnapshot
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.reading import Members, Reason, Statistics

Row = tuple[TargetLabels, TargetSnapshot]

_STATISTICS = (
    (f.AVERAGE, attrgetter("average_watts")),
    (f.MINIMUM, attrgetter("minimum_watts")),
    (f.MAXIMUM, attrgetter("maximum_watts")),
    (f.WINDOW, attrgetter("window_s")),
)
# A label more, behind that of the node.
_REASONS = {reason: f',reason="{reason}"}} '.encode() for reason in Reason}
_MEMBERS = tuple(f',kind="{kind}"}} '.encode() for kind in Members._fields)


def columns(rows: Sequence[Row], now_s: float) -> Iterator[Column]:
    """Take the samples of these targets, in every family; `now_s` is monotonic."""
    yield from _power(rows)
    yield from _energy(rows)
    yield from _health(rows)
    yield _ages(rows, now_s)
    yield _durations(rows)
    yield _errors(rows)
    yield _members(rows)
    yield _ones(f.INFO, [row.info for row, _ in rows])
    yield _ones(f.STATE, [row.state for row, _ in rows if row.state is not None])


def _power(rows: Sequence[Row]) -> Iterator[Column]:
    power: list[bytes] = []
    usage: list[bytes] = []
    watts: list[float] = []
    counted: list[bytes] = []
    statistics: list[Statistics] = []
    for row, target in rows:
        reading = target.value
        if reading is not None:
            power.append(row.power)
            usage.append(row.usage)
            watts.append(reading.watts)
            if reading.statistics is not None:
                counted.append(row.power)
                statistics.append(reading.statistics)
    yield Column(f.POWER, power, watts)
    yield Column(f.USAGE, usage, watts)
    for family, number in _STATISTICS:
        yield _known(family, counted, list(map(number, statistics)))


def _energy(rows: Sequence[Row]) -> Iterator[Column]:
    power: list[bytes] = []
    joules: list[float] = []
    covered_s: list[float] = []
    for row, target in rows:
        if target.read_at_s is not None:
            power.append(row.power)
            joules.append(target.joules)
            covered_s.append(target.covered_s)
    yield Column(f.ENERGY, power, joules)
    yield Column(f.COVERED, power, covered_s)


def _health(rows: Sequence[Row]) -> Iterator[Column]:
    nodes = [row.node for row, _ in rows]
    yield Column(f.UP, nodes, [int(target.up) for _, target in rows])
    yield Column(f.READS, nodes, [target.reads for _, target in rows])


def _ages(rows: Sequence[Row], now_s: float) -> Column:
    """Take the ages in milliseconds, rounded up: no value is older than it says."""
    nodes: list[bytes] = []
    ages_s: list[float] = []
    for row, target in rows:
        read_at_s = target.read_at_s
        if read_at_s is not None:
            nodes.append(row.node)
            ages_s.append(math.ceil(1e3 * (now_s - read_at_s)) / 1e3)
    return Column(f.AGE, nodes, ages_s)


def _durations(rows: Sequence[Row]) -> Column:
    """Take the durations in microseconds, rounded."""
    nodes: list[bytes] = []
    took: list[float] = []
    for row, target in rows:
        took_s = target.took_s
        if took_s is not None:
            nodes.append(row.node)
            took.append(int(1e6 * took_s + 0.5) / 1e6)
    return Column(f.DURATION, nodes, took)


def _errors(rows: Sequence[Row]) -> Column:
    labels: list[bytes] = []
    counts: list[float] = []
    for row, target in rows:
        if target.errors:
            for reason, count in target.errors.items():
                labels.append(_more(row, _REASONS[reason]))
                counts.append(count)
    return Column(f.ERRORS, labels, counts)


def _members(rows: Sequence[Row]) -> Column:
    labels: list[bytes] = []
    counts: list[float] = []
    for row, target in rows:
        result = target.error or target.value
        if result is not None and result.members is not None:
            labels += [_more(row, kind) for kind in _MEMBERS]
            counts += result.members
    return Column(f.MEMBERS, labels, counts)


def _ones(family: MetricFamily, labels: list[bytes]) -> Column:
    return Column(family, labels, [1] * len(labels))


def _known(family: MetricFamily, labels: list[bytes], numbers: list[float | None]) -> Column:
    """Make a column of those numbers that there are."""
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        pairs = zip(labels, numbers, strict=True)
        labels = [label for label, number in pairs if number is not None]
    return Column(family, labels, known)


def _more(row: TargetLabels, label: bytes) -> bytes:
    """Give the label set of a node one label more."""
    return row.node[:-2] + label
