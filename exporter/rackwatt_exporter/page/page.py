"""The page itself: each target's lines are written when it changes, and only joined at a scrape.

A scrape must be cheap however large the fleet and however many Prometheis there are. The ages alone
are written at the scrape, since they change with every second.
"""

from collections.abc import Iterable

from rackwatt_exporter.page import families as f
from rackwatt_exporter.page.exposition import END, labels
from rackwatt_exporter.page.families import Family
from rackwatt_exporter.page.row import Row
from rackwatt_exporter.page.schedulers import scheduler_samples
from rackwatt_exporter.roster import Roster
from rackwatt_exporter.store import Record, Store

_STATISTICS = (
    (f.AVERAGE, "average_watts"),
    (f.MINIMUM, "minimum_watts"),
    (f.MAXIMUM, "maximum_watts"),
    (f.WINDOW, "window_s"),
)


class Page:
    """Lines by family and node, kept up to date by `update` and `forget`."""

    def __init__(self, store: Store, roster: Roster, profiles: Iterable[str]) -> None:
        self._store = store
        self._roster = roster
        self._profiles = frozenset(profiles)
        self._rows: dict[str, Row] = {}
        self._lines: dict[Family, dict[str, str]] = {family: {} for family in f.PER_TARGET}

    def update(self, record: Record) -> None:
        """Write a target's lines anew."""
        node = record.target.node
        entry = self._roster.entries.get(record.target.scheduler or "")
        row = self._rows.get(node)
        if row is None or not row.fits(record, entry):
            row = self._rows[node] = Row(record, entry)
            self._lines[f.INFO][node] = row.info
            self._put(f.STATE, node, row.state)
        self._write_power(record, row)
        self._write_health(record, row)

    def forget(self, nodes: Iterable[str]) -> None:
        """Take the lines of nodes that are gone off the page."""
        for node in nodes:
            self._rows.pop(node, None)
            for lines in self._lines.values():
                lines.pop(node, None)

    def text(self, openmetrics: bool, now_s: float) -> str:
        """Join the page; the process' own metrics and the end mark are not on it."""
        self._write_ages(now_s)
        parts: list[str] = []
        for family, lines in self._lines.items():
            if lines and self._shows(family):
                parts.append(family.header(openmetrics))
                parts += lines.values()
        for family, samples in scheduler_samples(self._roster, now_s):
            parts.append(family.header(openmetrics))
            parts += samples
        return "".join(parts)

    def probe(self, record: Record, openmetrics: bool, now_s: float) -> str:
        """Join what is on the page of one target, whether it is up first of all, and the end."""
        node = record.target.node
        self._write_age(record, now_s)
        lines = [f.PROBE_SUCCESS.header(openmetrics), f"{f.PROBE_SUCCESS.name} {int(record.up)}\n"]
        for family, by_node in self._lines.items():
            if node in by_node and self._shows(family):
                lines += (family.header(openmetrics), by_node[node])
        return "".join(lines) + (END if openmetrics else "")

    def _shows(self, family: Family) -> bool:
        return family.profile == "rackwatt" or family.profile in self._profiles

    def _put(self, family: Family, node: str, line: str | None) -> None:
        if line is None:
            self._lines[family].pop(node, None)
        else:
            self._lines[family][node] = line

    def _write_power(self, record: Record, row: Row) -> None:
        node, prefix, lines = record.target.node, row.prefix, self._lines
        reading, account = record.reading, record.account
        if reading is None:
            for family in (f.POWER, f.USAGE, *(family for family, _ in _STATISTICS)):
                lines[family].pop(node, None)
            return
        watts = f"{reading.watts!r}\n"
        lines[f.POWER][node] = prefix[f.POWER] + watts
        lines[f.USAGE][node] = prefix[f.USAGE] + watts
        lines[f.ENERGY][node] = f"{prefix[f.ENERGY]}{account.served_joules!r}\n"
        lines[f.COVERED][node] = f"{prefix[f.COVERED]}{account.served_covered_s!r}\n"
        for family, name in _STATISTICS:
            value = getattr(reading.statistics, name, None)
            self._put(family, node, None if value is None else f"{prefix[family]}{value!r}\n")

    def _write_health(self, record: Record, row: Row) -> None:
        node, prefix, lines = record.target.node, row.prefix, self._lines
        lines[f.UP][node] = f"{prefix[f.UP]}{int(record.up)}\n"
        lines[f.READS][node] = f"{prefix[f.READS]}{record.reads}\n"
        if record.took_s is not None:
            lines[f.DURATION][node] = f"{prefix[f.DURATION]}{record.took_s:.6f}\n"
        if record.error is not None:
            lines[f.ERRORS][node] = "".join(
                f"{f.ERRORS.name}{labels((('node', node), ('reason', reason)))} {count}\n"
                for reason, count in record.errors.items()
            )

    def _write_ages(self, now_s: float) -> None:
        ages, rows = self._lines[f.AGE], self._rows
        for node, record in self._store.records.items():
            if record.read_at_s is not None:
                ages[node] = f"{rows[node].prefix[f.AGE]}{now_s - record.read_at_s:.3f}\n"

    def _write_age(self, record: Record, now_s: float) -> None:
        if record.read_at_s is not None:
            prefix = self._rows[record.target.node].prefix[f.AGE]
            age = f"{prefix}{now_s - record.read_at_s:.3f}\n"
            self._lines[f.AGE][record.target.node] = age
