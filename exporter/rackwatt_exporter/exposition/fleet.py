"""Lines of the fleet, rendered at a scrape and not when a target is read.

Between two scrapes nearly every line changes, and most of them more than once. So a reading writes
to the store alone. A scrape takes a snapshot of all targets, and their text is written from that in
whatever thread (docs/decisions/0023-lines-rendered-at-scrape-time.md).
"""

from collections.abc import Iterable, Iterator, Mapping

from rackwatt_exporter.exposition import families as f
from rackwatt_exporter.exposition.column import Column
from rackwatt_exporter.exposition.labels import TargetLabels
from rackwatt_exporter.exposition.snapshot import FleetSnapshot, TargetSnapshot
from rackwatt_exporter.exposition.target_columns import Row, columns
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import END, FamilyLines
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetRecord, TargetStore

# Families whose numbers seldom change: their text is kept while they do not.
_STEADY = frozenset({f.WINDOW, f.STATE, f.UP, f.ERRORS, f.MEMBERS, f.INFO})
_NO_ERRORS: Mapping[Reason, int] = {}


class FleetExposition:
    """The exposition of all targets. It keeps their label sets, and what else stays, between pages.

    Any thread may write a page, several at once: what is kept is replaced and never changed.
    """

    def __init__(
        self, targets: TargetStore, schedulers: NodeStateStore, profiles: Iterable[str]
    ) -> None:
        self._targets = targets
        self._schedulers = schedulers
        self._profiles = frozenset(("rackwatt", *profiles))
        self._labels: dict[str, TargetLabels] = {}
        self._kept: dict[MetricFamily, tuple[Column, list[bytes]]] = {}

    def snapshot(self, now_s: float, others: Iterable[FamilyLines] = ()) -> FleetSnapshot:
        """Take what is known of all targets, with the lines of other kinds."""
        targets = list(map(self._snapshot, self._targets.records.values()))
        return FleetSnapshot(targets, now_s, others)

    def text(self, snapshot: FleetSnapshot, openmetrics: bool) -> Iterator[bytes]:
        """Write a page in parts, without the process' own metrics and the end mark."""
        known = self._labels
        labels = [_current(known.get(one.spec.node), one) for one in snapshot.targets]
        rows = list(zip(labels, snapshot.targets, strict=True))
        if labels != list(known.values()):
            self._labels = {target.spec.node: row for row, target in rows}
        lines = {
            family: self._lines(column)
            for family, column in self._columns(rows, snapshot.at_s).items()
        }
        yield from _text(lines, snapshot.others, openmetrics)

    def render_target(self, record: TargetRecord, openmetrics: bool, now_s: float) -> bytes:
        """Write the lines of one target, whether it is up first of all, and the end mark."""
        success = f"{f.PROBE_SUCCESS.name} {int(record.up)}\n"
        first = (f.PROBE_SUCCESS.header(openmetrics) + success).encode()
        target = self._snapshot(record)
        columns = self._columns([(TargetLabels(target), target)], now_s)
        lines = {family: column.text() for family, column in columns.items()}
        page = (first, *_text(lines, {}, openmetrics))
        return b"".join(page) + (END.encode() if openmetrics else b"")

    def _snapshot(self, record: TargetRecord) -> TargetSnapshot:
        spec = record.spec
        account = self._targets.account(spec.node)
        scheduler = self._schedulers.records.get(spec.scheduler) if spec.scheduler else None
        return TargetSnapshot(
            spec,
            self._targets.states.get(spec.node),
            scheduler.spec if scheduler else None,
            record.value,
            record.error,
            record.up,
            record.read_at_s,
            record.took_s,
            record.reads,
            dict(record.errors) if record.errors else _NO_ERRORS,
            account.served_joules,
            account.served_covered_s,
        )

    def _lines(self, column: Column) -> Iterable[bytes]:
        """Write the lines of a column, those that are kept if they are the same."""
        if column.family not in _STEADY:
            return column.text()
        kept = self._kept.get(column.family)
        if kept is None or kept[0] != column:
            kept = self._kept[column.family] = column, list(column.text())
        return kept[1]

    def _columns(self, rows: list[Row], now_s: float) -> dict[MetricFamily, Column]:
        return {
            column.family: column
            for column in columns(rows, now_s)
            if column.labels and column.family.profile in self._profiles
        }


def _current(labels: TargetLabels | None, target: TargetSnapshot) -> TargetLabels:
    """Return the label sets of a target, those that are known if they are current."""
    return labels if labels is not None and labels.is_current(target) else TargetLabels(target)


def _text(
    lines: Mapping[MetricFamily, Iterable[bytes]],
    others: Mapping[MetricFamily, list[bytes]],
    openmetrics: bool,
) -> Iterator[bytes]:
    ordered = [family for family in f.PER_TARGET if family in lines or family in others]
    for family in (*ordered, *(family for family in others if family not in f.PER_TARGET)):
        yield family.header(openmetrics).encode()
        yield from lines.get(family, ())
        yield from others.get(family, ())
