"""The page itself: each target's lines are written when it changes, and only joined at a scrape.

A scrape must be cheap however large the fleet and however many Prometheis there are. The ages alone
are written at the scrape, since they change with every second. Lines are kept as the bytes that are
sent: of a page as large as this one every copy costs more than the page itself.
"""

from collections.abc import Iterable
from itertools import chain

from rackwatt_exporter.page import families as f
from rackwatt_exporter.page.exposition import END, labels
from rackwatt_exporter.page.family import Family
from rackwatt_exporter.page.health import Samples
from rackwatt_exporter.page.row import Row
from rackwatt_exporter.page.schedulers import scheduler_samples
from rackwatt_exporter.roster import Roster
from rackwatt_exporter.store import Record

_STATISTICS = (
    (f.AVERAGE, "average_watts"),
    (f.MINIMUM, "minimum_watts"),
    (f.MAXIMUM, "maximum_watts"),
    (f.WINDOW, "window_s"),
)


class Page:
    """A column of lines for each family, in which each target has its place; b"" is no line.

    Kept up to date by `update` and `forget`.
    """

    def __init__(self, roster: Roster, profiles: Iterable[str]) -> None:
        self._roster = roster
        self._profiles = frozenset(profiles)
        self._rows: dict[str, Row] = {}
        self._columns: dict[Family, list[bytes]] = {family: [] for family in f.PER_TARGET}
        self._vacant: list[int] = []

    def update(self, record: Record) -> None:
        """Write a target's lines anew."""
        entry = self._roster.entries.get(record.target.scheduler or "")
        row = self._rows.get(record.target.node)
        if row is None or not row.fits(record, entry):
            row = Row(self._new_place() if row is None else row.place, record, entry)
            self._rows[record.target.node] = row
            self._columns[f.INFO][row.place] = row.info
            self._columns[f.STATE][row.place] = row.state
        self._write_power(record, row)
        self._write_health(record, row)

    def forget(self, nodes: Iterable[str]) -> None:
        """Take the lines of nodes that are gone off the page."""
        for row in filter(None, [self._rows.pop(node, None) for node in nodes]):
            for column in self._columns.values():
                column[row.place] = b""
            self._vacant.append(row.place)

    def parts(self, openmetrics: bool, now_s: float, more: Samples = ()) -> list[bytes]:
        """Give the page in parts that need only be joined, with samples of more than targets.

        The process' own metrics and the end mark are not among them.
        """
        self._write_ages(self._rows.values(), now_s)
        others = dict(chain(scheduler_samples(self._roster, now_s), more))
        parts: list[bytes] = []
        for family, column in self._columns.items():
            beside = others.pop(family, ())
            if self._shows(family) and (beside or any(column)):
                parts.append(family.header(openmetrics).encode())
                parts += column
                parts.append("".join(beside).encode())
        for family, samples in others.items():
            parts.append("".join((family.header(openmetrics), *samples)).encode())
        return parts

    def probe(self, record: Record, openmetrics: bool, now_s: float) -> bytes:
        """Join what is on the page of one target, whether it is up first of all, and the end."""
        row = self._rows[record.target.node]
        self._write_ages((row,), now_s)
        success = f"{f.PROBE_SUCCESS.name} {int(record.up)}\n"
        lines = [(f.PROBE_SUCCESS.header(openmetrics) + success).encode()]
        for family, column in self._columns.items():
            if column[row.place] and self._shows(family):
                lines += (family.header(openmetrics).encode(), column[row.place])
        return b"".join(lines) + (END.encode() if openmetrics else b"")

    def _new_place(self) -> int:
        if self._vacant:
            return self._vacant.pop()
        for column in self._columns.values():
            column.append(b"")
        return len(self._columns[f.INFO]) - 1

    def _shows(self, family: Family) -> bool:
        return family.profile == "rackwatt" or family.profile in self._profiles

    def _write_power(self, record: Record, row: Row) -> None:
        place, columns = row.place, self._columns
        reading, account = record.reading, record.account
        if reading is None:
            for family in (f.POWER, f.USAGE, *(family for family, _ in _STATISTICS)):
                columns[family][place] = b""
            return
        watts, whole = repr(reading.watts), row.whole
        columns[f.POWER][place] = f"{f.POWER.name}{whole} {watts}\n".encode()
        columns[f.USAGE][place] = f"{f.USAGE.name}{row.usage} {watts}\n".encode()
        joules, covered_s = account.served_joules, account.served_covered_s
        columns[f.ENERGY][place] = f"{f.ENERGY.name}{whole} {joules!r}\n".encode()
        columns[f.COVERED][place] = f"{f.COVERED.name}{whole} {covered_s!r}\n".encode()
        for family, name in _STATISTICS:
            value = getattr(reading.statistics, name, None)
            line = "" if value is None else f"{family.name}{whole} {value!r}\n"
            columns[family][place] = line.encode()

    def _write_health(self, record: Record, row: Row) -> None:
        place, columns, node = row.place, self._columns, row.node
        columns[f.UP][place] = f"{f.UP.name}{node} {int(record.up)}\n".encode()
        columns[f.READS][place] = f"{f.READS.name}{node} {record.reads}\n".encode()
        if record.took_s is not None:
            took = f"{f.DURATION.name}{node} {record.took_s:.6f}\n"
            columns[f.DURATION][place] = took.encode()
        columns[f.MEMBERS][place] = _members(record)
        if record.error is not None:
            columns[f.ERRORS][place] = "".join(
                f"{f.ERRORS.name}{_reason_labels(record, reason)} {count}\n"
                for reason, count in record.errors.items()
            ).encode()

    def _write_ages(self, rows: Iterable[Row], now_s: float) -> None:
        ages, name = self._columns[f.AGE], f.AGE.name
        for row in rows:
            read_at_s = row.record.read_at_s
            if read_at_s is not None:
                ages[row.place] = f"{name}{row.node} {now_s - read_at_s:.3f}\n".encode()


def _members(record: Record) -> bytes:
    result = record.error or record.reading
    if result is None or result.members is None:
        return b""
    return "".join(
        f"{f.MEMBERS.name}{labels((('node', record.target.node), ('kind', kind)))} {count}\n"
        for kind, count in result.members._asdict().items()
    ).encode()


def _reason_labels(record: Record, reason: str) -> str:
    return labels((("node", record.target.node), ("reason", reason)))
