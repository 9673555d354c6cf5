"""The lines of the fleet: each target's are rendered when it changes, and only joined at a scrape.

A scrape must be cheap however large the fleet and however many Prometheis there are. The ages alone
are rendered at the scrape, since they change with every second. Lines are kept as the bytes that
are sent: of a page as large as this one every copy costs more than the page itself.
"""

from collections.abc import Iterable

from rackwatt_exporter.exposition import families as f
from rackwatt_exporter.exposition.labels import TargetLabels
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import END, FamilyLines, labels
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetRecord, TargetStore

_STATISTICS = (
    (f.AVERAGE, "average_watts"),
    (f.MINIMUM, "minimum_watts"),
    (f.MAXIMUM, "maximum_watts"),
    (f.WINDOW, "window_s"),
)


class ExpositionCache:
    """A column of lines for each family, in which each target has its slot; b"" is no line.

    Kept up to date by `update` and `remove`.
    """

    def __init__(
        self, targets: TargetStore, schedulers: NodeStateStore, profiles: Iterable[str]
    ) -> None:
        self._targets = targets
        self._schedulers = schedulers
        self._profiles = frozenset(profiles)
        self._rows: dict[str, TargetLabels] = {}
        self._columns: dict[MetricFamily, list[bytes]] = {family: [] for family in f.PER_TARGET}
        self._vacant: list[int] = []

    def update(self, record: TargetRecord) -> None:
        """Render a target's lines."""
        node = record.spec.node
        scheduler = self._schedulers.records.get(record.spec.scheduler or "")
        binding = scheduler.spec if scheduler else None
        state = self._targets.states.get(node)
        row = self._rows.get(node)
        if row is None or not row.is_current(record, state, binding):
            row = TargetLabels(row.slot if row else self._new_slot(), record, state, binding)
            self._rows[node] = row
            self._columns[f.INFO][row.slot] = row.info
            self._columns[f.STATE][row.slot] = row.state
        self._write_power(record, row)
        self._write_health(record, row)

    def remove(self, nodes: Iterable[str]) -> None:
        """Drop the lines of nodes that were removed."""
        for row in filter(None, [self._rows.pop(node, None) for node in nodes]):
            for column in self._columns.values():
                column[row.slot] = b""
            self._vacant.append(row.slot)

    def parts(
        self, openmetrics: bool, now_s: float, others: Iterable[FamilyLines] = ()
    ) -> list[bytes]:
        """Return the page in parts that need only be joined, with the lines of other kinds.

        The process' own metrics and the end mark are not among them.
        """
        self._write_ages(self._rows.values(), now_s)
        beside = {family: lines for family, lines in others if lines}
        parts: list[bytes] = []
        for family, column in self._columns.items():
            more = beside.pop(family, ())
            if self._shows(family) and (more or any(column)):
                parts.append(family.header(openmetrics).encode())
                parts += column
                parts.append("".join(more).encode())
        for family, lines in beside.items():
            parts.append("".join((family.header(openmetrics), *lines)).encode())
        return parts

    def probe(self, record: TargetRecord, openmetrics: bool, now_s: float) -> bytes:
        """Join the lines of one target, whether it is up first of all, and the end mark."""
        row = self._rows[record.spec.node]
        self._write_ages((row,), now_s)
        success = f"{f.PROBE_SUCCESS.name} {int(record.up)}\n"
        lines = [(f.PROBE_SUCCESS.header(openmetrics) + success).encode()]
        for family, column in self._columns.items():
            if column[row.slot] and self._shows(family):
                lines += (family.header(openmetrics).encode(), column[row.slot])
        return b"".join(lines) + (END.encode() if openmetrics else b"")

    def _new_slot(self) -> int:
        if self._vacant:
            return self._vacant.pop()
        for column in self._columns.values():
            column.append(b"")
        return len(self._columns[f.INFO]) - 1

    def _shows(self, family: MetricFamily) -> bool:
        return family.profile == "rackwatt" or family.profile in self._profiles

    def _write_power(self, record: TargetRecord, row: TargetLabels) -> None:
        slot, columns = row.slot, self._columns
        reading, account = record.value, self._targets.account(record.spec.node)
        if reading is None:
            for family in (f.POWER, f.USAGE, *(family for family, _ in _STATISTICS)):
                columns[family][slot] = b""
            return
        watts, power = repr(reading.watts), row.power
        columns[f.POWER][slot] = f"{f.POWER.name}{power} {watts}\n".encode()
        columns[f.USAGE][slot] = f"{f.USAGE.name}{row.usage} {watts}\n".encode()
        joules, covered_s = account.served_joules, account.served_covered_s
        columns[f.ENERGY][slot] = f"{f.ENERGY.name}{power} {joules!r}\n".encode()
        columns[f.COVERED][slot] = f"{f.COVERED.name}{power} {covered_s!r}\n".encode()
        for family, name in _STATISTICS:
            value = getattr(reading.statistics, name, None)
            line = "" if value is None else f"{family.name}{power} {value!r}\n"
            columns[family][slot] = line.encode()

    def _write_health(self, record: TargetRecord, row: TargetLabels) -> None:
        slot, columns, node = row.slot, self._columns, row.node
        columns[f.UP][slot] = f"{f.UP.name}{node} {int(record.up)}\n".encode()
        columns[f.READS][slot] = f"{f.READS.name}{node} {record.reads}\n".encode()
        if record.took_s is not None:
            took = f"{f.DURATION.name}{node} {record.took_s:.6f}\n"
            columns[f.DURATION][slot] = took.encode()
        columns[f.MEMBERS][slot] = _members(record)
        if record.error is not None:
            columns[f.ERRORS][slot] = "".join(
                f"{f.ERRORS.name}{_reason_labels(record, reason)} {count}\n"
                for reason, count in record.errors.items()
            ).encode()

    def _write_ages(self, rows: Iterable[TargetLabels], now_s: float) -> None:
        ages, name = self._columns[f.AGE], f.AGE.name
        for row in rows:
            read_at_s = row.record.read_at_s
            if read_at_s is not None:
                ages[row.slot] = f"{name}{row.node} {now_s - read_at_s:.3f}\n".encode()


def _members(record: TargetRecord) -> bytes:
    result = record.error or record.value
    if result is None or result.members is None:
        return b""
    return "".join(
        f"{f.MEMBERS.name}{labels((('node', record.spec.node), ('kind', kind)))} {count}\n"
        for kind, count in result.members._asdict().items()
    ).encode()


def _reason_labels(record: TargetRecord, reason: str) -> str:
    return labels((("node", record.spec.node), ("reason", reason)))
