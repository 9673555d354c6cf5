"""The counters of energy that the collectors of this machine keep, on one line of time each.

A counter is a sum of accounts of the collector store (store/collectors.py), in microjoules. Where
an account leaves out a stretch of time, because its source failed or restarted, its joules do not
say what was used in it: the line of time begins again, and its run increases, so that nothing takes
the difference across it for a measurement. So it does where the machine was suspended: what it drew
meanwhile belongs to no unit, and the monotonic clock did not count that time.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
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
_SUSPENDED_S = 1.0  # less may be between two readings of clocks


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


def suspended_s() -> float:
    """Return for how long this machine has been suspended since it booted (clock_gettime(2))."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()


class NodeMeters:
    """All counters of energy of this machine; `before` are those of the process before.

    `suspended` says for how long the machine has been suspended since it booted, in seconds.
    """

    def __init__(
        self,
        collectors: CollectorStore,
        wanted: str,
        before: Meters | None,
        suspended: Callable[[], float] = suspended_s,
    ) -> None:
        self._collectors = collectors
        self._suspended = suspended
        self._suspended_s = before.suspended_s if before else suspended()
        self._wanted = WHOLE_NODE_SOURCES if wanted == "auto" else (wanted,)
        self._takes_parts = wanted in {"auto", RAPL}
        self._lacks_parts = False
        self._runs = _runs(before) if before else {}
        self._lines: dict[Meter, _Line] = {}
        self._read_at_s: dict[str, float] = {}
        self._integrals: dict[Meter, EnergyAccount] = {}
        self._live: dict[str, list[Meter]] = {}
        self._found: dict[str, list[Meter]] = {}
        self._break_if_suspended()

    def observe(self) -> None:
        """Take over what was read since the last time, and what is not known any more."""
        self._break_if_suspended()
        for name in (*WHOLE_NODE_SOURCES, *PART_SOURCES):
            record = self._collectors.fresh(name)
            if record is None or record.value is None:
                self._live.pop(name, None)
                self._lose(name, record)
            else:
                self.take(record)

    def take(self, record: CollectorRecord) -> None:
        """Take over what a collector has read, unless that was done before."""
        name, value, at_s = record.spec.name, record.value, record.read_at_s
        if value is None or at_s is None or at_s == self._read_at_s.get(name):
            return
        self._read_at_s[name] = at_s
        self._break_if_suspended()
        totals = self._totals(record, at_s)
        missed = self._gpus(name) if record.error is not None else []
        lacking = value.lacking or frozenset()
        self._found[name] = [] if lacking else list({**totals, **dict.fromkeys(missed)})
        self._live[name] = list(self._add(totals, lacking, at_s))
        if name == RAPL:
            self._lacks_parts = bool(lacking)

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
            suspended_s=self._suspended_s,
        )

    def _break_if_suspended(self) -> None:
        """Begin all counters again where the machine was suspended."""
        now_s = self._suspended()
        if abs(now_s - self._suspended_s) < _SUSPENDED_S:
            return
        self._suspended_s = now_s
        self._runs = {key: run + 1 for key, run in self._runs.items()}
        for line in self._lines.values():
            line.begin_again()
        for account in self._integrals.values():
            account.pause()

    def _best(self, known: Mapping[str, Collection[Meter]]) -> str:
        for name in self._wanted:
            if Meter(name, WHOLE_NODE) in known.get(name, ()):
                return name
        has_parts = self._takes_parts and not self._lacks_parts
        return RAPL if has_parts and _PROCESSOR in known.get(RAPL, ()) else ""

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
        self,
        found: Mapping[Meter, list[EnergyTotal]],
        lacking: Collection[str],
        at_s: float,
    ) -> Iterator[Meter]:
        """Add a reading of a collector to the counters; go through those that are known.

        Counters of the domains in `lacking` are not: one of their parts was not read.
        """
        for meter, totals in found.items():
            is_first = meter not in self._lines
            line = self._lines.setdefault(meter, _Line(self._runs.get(meter.key, 0)))
            covered_s = min(total.covered_s for total in totals)
            if meter.domain in lacking or not all(map(_is_certain, totals)):
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
