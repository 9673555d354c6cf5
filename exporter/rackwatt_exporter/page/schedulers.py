"""What the page says of each scheduler: few lines, written at each scrape."""

from collections.abc import Iterator

from rackwatt_exporter.page import families as f
from rackwatt_exporter.page.exposition import labels
from rackwatt_exporter.page.family import Family
from rackwatt_exporter.roster import Entry, Roster, counts


def scheduler_samples(roster: Roster, now_s: float) -> Iterator[tuple[Family, list[str]]]:
    """Go through the families that have samples, each with its lines."""
    for family, told in _TOLD:
        lines = [
            f"{family.name}{labels(zip(family.labels, values, strict=True))} {number}\n"
            for entry in roster.entries.values()
            for values, number in told(entry, now_s)
        ]
        if lines:
            yield family, lines


_Samples = Iterator[tuple[tuple[str, ...], str]]


def _who(entry: Entry) -> tuple[str, str]:
    return entry.asked.name, entry.asked.cluster


def _up(entry: Entry, _: float) -> _Samples:
    yield _who(entry), str(int(entry.up))


def _age(entry: Entry, now_s: float) -> _Samples:
    if entry.read_at_s is not None:
        yield _who(entry), f"{now_s - entry.read_at_s:.3f}"


def _duration(entry: Entry, _: float) -> _Samples:
    if entry.took_s is not None:
        yield _who(entry), f"{entry.took_s:.6f}"


def _errors(entry: Entry, _: float) -> _Samples:
    for reason, count in entry.errors.items():
        yield (*_who(entry), reason), str(count)


def _nodes(entry: Entry, _: float) -> _Samples:
    for state, count in counts(entry).items():
        yield (*_who(entry), state), str(count)


_TOLD = (
    (f.SCHEDULER_UP, _up),
    (f.SCHEDULER_AGE, _age),
    (f.SCHEDULER_DURATION, _duration),
    (f.SCHEDULER_ERRORS, _errors),
    (f.SCHEDULER_NODES, _nodes),
)
