"""The counters of energy that the collectors of this machine keep, on one line of time each.

A counter is a sum of accounts of the collector store (store/collectors.py), in microjoules. Where
an account leaves out a stretch of time, because its source failed or restarted, its joules do not
say what was used in it: the line of time begins again, and its run increases, so that nothing takes
the difference across it for a measurement.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from rackwatt_crds.node.energy import PART_SOURCES, WHOLE_NODE_SOURCES
from rackwatt_exporter.energy.ledger import CounterValue, Meters
from rackwatt_exporter.energy.timeline import Timeline
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, EnergyCounter, Reason
from rackwatt_exporter.store.collectors import CollectorRecord, CollectorStore
from rackwatt_exporter.store.ledger import EnergyAccount, EnergyTotal
from rackwatt_exporter.store.wrapping_counter import WrappingCounter

RAPL = "rapl"
GPU = "gpu"
_GPU_SOURCES = frozenset(PART_SOURCES) - {RAPL}


class Meter(NamedTuple):
    """A counter: its collector, and its domain; of a GPU also which."""

    collector: str
    domain: str
    zone: str = ""

    @property
    def key(self) -> str:
        """Its name among the counters of a node."""
        return self.zone or f"{self.collector}/{self.domain}"


_PROCESSOR, _MEMORY = Meter(RAPL, "package"), Meter(RAPL, "dram")
_PARTS = (_PROCESSOR, _MEMORY)


class _Line:
    """A counter on its line of time; `covered_s` is None while it does not continue."""

    __slots__ = ("covered_s", "run", "timeline")

    def __init__(self, run: int) -> None:
        self.timeline = Timeline()
        self.covered_s: float | None = None
        self.run = run

    def begin_again(self) -> None:
        """Take no difference to what is before."""
        self.timeline = Timeline()
        self.covered_s = None
        self.run += 1


class NodeMeters:
    """All counters of energy of this machine; `before` are those of the process before."""

    def __init__(self, collectors: CollectorStore, wanted: str, before: Meters | None) -> None:
        self._collectors = collectors
        self._wanted = WHOLE_NODE_SOURCES if wanted == "auto" else (wanted,)
        self._takes_parts = wanted in {"auto", RAPL}
        self._runs = _runs(before) if before else {}
        self._lines: dict[Meter, _Line] = {}
        self._read_at_s: dict[str, float] = {}
        self._integrals: dict[Meter, EnergyAccount] = {}
        self._live: dict[str, list[Meter]] = {}
        self._found: dict[str, list[Meter]] = {}

    def observe(self) -> None:
        """Take over what was read since the last time."""
        for name in (*WHOLE_NODE_SOURCES, *PART_SOURCES):
            record = self._collectors.fresh(name)
            if record is None or record.value is None or record.read_at_s is None:
                self._live.pop(name, None)
                self._lose(name, record)
            elif record.read_at_s != self._read_at_s.get(name):
                self._read_at_s[name] = record.read_at_s
                totals = self._totals(record, record.read_at_s)
                is_partial = record.spec.name == RAPL and record.error is not None
                missed = self._gpus(name) if record.error is not None else []
                self._found[name] = [] if is_partial else list({**totals, **dict.fromkeys(missed)})
                self._live[name] = list(self._add(totals, is_partial, record.read_at_s))

    @property
    def source(self) -> str:
        """The collector that measures the node now; empty where none does."""
        return self._best(self._live)

    @property
    def awaited(self) -> str:
        """The collector that will measure the node, once its counters were read again."""
        return self._best(self._found)

    @property
    def is_in_vain(self) -> bool:
        """Whether every collector was read, and none measures the node."""
        records = self._collectors.records.values()
        return not self.awaited and all(record.took_s is not None for record in records)

    @property
    def covers_s(self) -> float:
        """The latest moment at which every counter that is needed now is known."""
        needed = [self._lines[meter].timeline.last_s for meter in self._needed()]
        return min(needed, default=float("inf"))

    def forget_before(self, time_s: float) -> None:
        """Drop what is not needed from this moment on."""
        for line in self._lines.values():
            line.timeline.forget_before(time_s)

    def at(self, time_s: float) -> Meters | None:
        """Return the counters at a moment; None where one of those of the node is not known."""
        source = self.source
        counts = {meter: self._count(meter, time_s) for meter in self._needed()}
        known = {meter: count for meter, count in counts.items() if count is not None}
        node = [meter for meter in counts if _is_of_node(meter, source)]
        if not all(meter in known for meter in node):
            return None
        return Meters(
            source,
            {meter.key: known[meter] for meter in node},
            {meter.zone: count for meter, count in known.items() if meter.domain == GPU},
            known.get(_PROCESSOR),
            known.get(_MEMORY),
            is_whole=source != RAPL,
            expected_gpus=frozenset(
                meter.zone for name in self._found for meter in self._gpus(name)
            ),
        )

    def _best(self, known: Mapping[str, Collection[Meter]]) -> str:
        for name in self._wanted:
            if Meter(name, WHOLE_NODE) in known.get(name, ()):
                return name
        return RAPL if self._takes_parts and _PROCESSOR in known.get(RAPL, ()) else ""

    def _count(self, meter: Meter, time_s: float) -> CounterValue | None:
        line = self._lines[meter]
        value = line.timeline.at(time_s)
        return None if value is None else CounterValue(value, line.run)

    def _needed(self) -> Iterator[Meter]:
        source = self.source
        for meters in self._live.values():
            for meter in meters:
                if meter.domain != WHOLE_NODE or meter.collector == source:
                    yield meter

    def _lose(self, name: str, record: CollectorRecord | None) -> None:
        """Note that a collector has no value: its GPUs are there all the same, if it is wanted.

        One that fails for another reason than that there are none has some.
        """
        gpus = self._gpus(name)
        self._found.pop(name, None)
        error = record.error if record is not None else None
        if name in _GPU_SOURCES and error is not None and error.reason is not Reason.ABSENT:
            self._found[name] = gpus or [Meter(name, GPU, name)]

    def _gpus(self, name: str) -> list[Meter]:
        return [meter for meter in self._found.get(name, ()) if meter.domain == GPU]

    def _add(
        self, found: Mapping[Meter, list[EnergyTotal]], is_partial: bool, at_s: float
    ) -> Iterator[Meter]:
        """Add a reading of a collector to the counters; go through those that are known."""
        for meter, totals in found.items():
            is_first = meter not in self._lines
            line = self._lines.setdefault(meter, _Line(self._runs.get(meter.key, 0)))
            covered_s = min(total.covered_s for total in totals)
            if is_partial or not all(map(_is_certain, totals)):
                line.begin_again()
                continue
            last_s = line.covered_s
            survives = not is_first or all(map(_survives, totals))
            if not survives or (last_s is not None and covered_s <= last_s):
                line.begin_again()
            line.covered_s = covered_s
            line.timeline.add(at_s, round(sum(total.joules for total in totals) * 1e6))
            yield meter

    def _totals(self, record: CollectorRecord, at_s: float) -> dict[Meter, list[EnergyTotal]]:
        """Return the accounts of each counter of a collector.

        Power is integrated here, also where a BMC counts as well: its counter moves in steps, of up
        to a kilowatt-hour, which say nothing of a single interval.
        """
        name, value = record.spec.name, record.value
        totals: dict[Meter, list[EnergyTotal]] = {}
        for energy in value.energies if value else ():
            if (meter := _meter(name, energy)) is not None:
                totals.setdefault(meter, []).append(self._collectors.counter(name, energy))
        for power in value.powers if value else ():
            if (meter := _meter(name, power)) is not None:
                key = meter._replace(zone=power.zone)
                account = self._integrals.setdefault(key, EnergyAccount())
                account.add(power.watts, None, at_s, at_s, record.spec.stale_after_s)
                totals.setdefault(meter, []).append(account)
        return totals


def _meter(collector: str, part: EnergyCounter | DomainPower) -> Meter | None:
    """Return the counter that a part belongs to; None where it is a part of another."""
    if part.domain == GPU:
        return Meter(collector, GPU, part.zone)
    meter = Meter(collector, part.domain)
    return meter if part.domain == WHOLE_NODE or meter in _PARTS else None


def _is_of_node(meter: Meter, source: str) -> bool:
    """Return whether a counter is one of those that add up to the node."""
    return meter in _PARTS if source == RAPL else meter == Meter(source, WHOLE_NODE)


def _is_certain(total: EnergyTotal) -> bool:
    """Return whether an account has booked its last reading; a counter may be in doubt of it."""
    return not isinstance(total, WrappingCounter) or total.watts is not None


def _survives(total: EnergyTotal) -> bool:
    """Return whether an account goes on from the process before: power has no counter to do so."""
    return isinstance(total, WrappingCounter)


def _runs(before: Meters) -> Mapping[str, int]:
    parts = {_PROCESSOR.key: before.processor, _MEMORY.key: before.memory}
    known = {key: count for key, count in parts.items() if count is not None}
    return {key: one.run for key, one in {**known, **before.node, **before.gpus}.items()}
