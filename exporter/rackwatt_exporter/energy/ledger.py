"""The ledger of a node: its energy since the beginning, by who used it.

Each advance takes the energy and the use of the node between two moments and books it whole: what
was measured equals units + idle + system + unattributed, to the microjoule, after any order of
births, deaths, gaps and restarts. What cannot be known, as the energy during a time without a
source, is not booked at all; `covered_ms` says how much of the time is.

The state holds the positions of the counters at the last advance, so one write of it saves a
consistent ledger: after a restart it goes on from there, and books the time between once, where the
counters survived it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from rackwatt_exporter.config.energy import Division
from rackwatt_exporter.energy.idle_power import IdlePower
from rackwatt_exporter.energy.separate_gpus import SeparateGpus
from rackwatt_exporter.energy.split import EnergyParts, Interval, split
from rackwatt_exporter.energy.usage import Usage


class CounterValue(NamedTuple):
    """A counter of energy; `run` differs where it does not continue from the moment before."""

    microjoules: int
    run: int = 0


class Meters(msgspec.Struct, frozen=True):
    """Counters of energy at one moment.

    `source` names what measures the node; it is empty where nothing does. `node` are the counters
    that add up to the node: one that measures all of it, or with `is_whole` false its parts, to
    which the GPUs, by UUID, are added. `expected_gpus` are all that there are: the counter of one
    may be unknown. `suspended_s` is for how long the machine has been suspended since it booted.
    """

    source: str
    node: dict[str, CounterValue]
    gpus: dict[str, CounterValue] = {}
    processor: CounterValue | None = None
    memory: CounterValue | None = None
    is_whole: bool = False
    expected_gpus: frozenset[str] = frozenset()
    suspended_s: float = 0.0


class Position(msgspec.Struct, frozen=True):
    """Where the counters were at the last advance, within one boot."""

    boot: str
    meters: Meters
    usage: Usage


class UnitAccount(msgspec.Struct):
    """The energy of a unit since it began; `ended_s` is when it ended, of the monotonic clock.

    `watts` is its mean power over the last interval, None where that was not measured.
    """

    identity: str
    microjoules: int = 0
    watts: float | None = None
    ended_s: float | None = None


class NodeLedger(msgspec.Struct):
    """All accounts of a node, in microjoules. `ended` is that of units that are not kept."""

    measured: int = 0
    ended: int = 0
    idle: int = 0
    system: int = 0
    unattributed: int = 0
    covered_ms: int = 0
    units: dict[str, UnitAccount] = {}
    position: Position | None = None
    idle_power: IdlePower = msgspec.field(default_factory=IdlePower)
    separate_gpus: dict[str, SeparateGpus] = {}

    @property
    def units_total(self) -> int:
        """What all units have used, those that ended as well."""
        return self.ended + sum(account.microjoules for account in self.units.values())

    @property
    def imbalance(self) -> int:
        """What was measured and is in no account: 0, or the ledger has a defect."""
        return self.measured - self.units_total - self.idle - self.system - self.unattributed

    def advance(self, boot: str, meters: Meters, usage: Usage, division: Division) -> None:
        """Book the time since the last advance, and go on from here."""
        before, self.position = self.position, Position(boot, meters, usage)
        for account in self.units.values():
            account.watts = None
        if before is not None and before.boot == boot and before.usage.at_s < usage.at_s:
            duration_s = usage.at_s - before.usage.at_s
            interval = self._interval(before, meters, usage, duration_s, division.gpus)
            if interval is not None:
                self._book(interval, division)
        self._end_unless_in(usage, usage.at_s)

    def end_units_of(self, managers: Iterable[str], at_s: float) -> None:
        """Mark the units of managers that are not read any more: what they do is unknown."""
        gone = set(managers)
        for key, account in self.units.items():
            if key.partition("/")[0] in gone and account.ended_s is None:
                account.ended_s, account.watts = at_s, None

    def idle_watts(self, division: Division) -> float | None:
        """Return the power of the idle node: configured, or found out, or None while unknown."""
        configured = division.idle_watts
        return self.idle_power.watts if configured is None else configured

    def forget(self, ended_before_s: float) -> None:
        """Drop accounts of units that ended before a moment; their energy stays in the sum."""
        old = [
            key
            for key, one in self.units.items()
            if (one.ended_s or ended_before_s) < ended_before_s
        ]
        for key in old:
            self.ended += self.units.pop(key).microjoules

    def restart(self) -> None:
        """Go on in another boot, whose clock is another: every unit has ended."""
        self.position = None
        for key in list(self.units):
            self.ended += self.units.pop(key).microjoules

    def _interval(
        self, before: Position, meters: Meters, usage: Usage, duration_s: float, gpus: str
    ) -> Interval | None:
        """Return what was measured since; None where that is unknown."""
        first, last = before.meters, meters
        increases = _increases(first.node, last.node)
        is_same = first.source == last.source and first.node.keys() == increases.keys()
        if not last.source or not is_same or len(increases) != len(last.node):
            return None
        node_uj = sum(increases.values())
        gpus_uj = _increases(first.gpus, last.gpus)
        knows_gpus = (first.expected_gpus | last.expected_gpus) <= gpus_uj.keys()
        if not knows_gpus and not last.is_whole:
            return None
        if knows_gpus and self._adds_gpus(meters, node_uj, sum(gpus_uj.values()), duration_s, gpus):
            node_uj += sum(gpus_uj.values())
        return Interval(
            duration_s=duration_s,
            node_uj=node_uj,
            gpus_uj=gpus_uj,
            busy_ns=max(0, usage.busy_ns - before.usage.busy_ns),
            cpus=usage.cpus,
            used_bytes=usage.used_bytes,
            units=usage.since(before.usage),
            known=usage.known & before.usage.known,
            unread=len(usage.unread | before.usage.unread),
            is_divisible=knows_gpus,
            processor_uj=_increase(first.processor, last.processor),
            memory_uj=_increase(first.memory, last.memory),
        )

    def has_separate_gpus(self, source: str) -> bool:
        """Return whether a source was found to measure the node without its GPUs."""
        return source in self.separate_gpus and self.separate_gpus[source].holds

    def _adds_gpus(
        self, meters: Meters, node_uj: int, gpus_uj: int, duration_s: float, gpus: str
    ) -> bool:
        """Return whether the GPUs draw beside what the source measures."""
        if not meters.is_whole:
            return True
        if gpus != "auto":
            return gpus == "separate"
        found = self.separate_gpus.setdefault(meters.source, SeparateGpus())
        found.observe(node_uj / duration_s / 1e6, gpus_uj / duration_s / 1e6)
        return found.holds

    def _book(self, interval: Interval, division: Division) -> None:
        rest_uj = interval.node_uj - min(interval.node_uj, sum(interval.gpus_uj.values()))
        if interval.cpus > 0 and interval.is_divisible:
            busy = interval.busy_ns / (interval.duration_s * interval.cpus * 1e9)
            watts = rest_uj / interval.duration_s / 1e6
            self.idle_power.observe(min(busy, 1.0), watts, interval.duration_s)
        parts = split(interval, division, self.idle_watts(division))
        self.measured += interval.node_uj
        self.covered_ms += round(interval.duration_s * 1000)
        self.idle += parts.idle
        self.system += parts.system
        self.unattributed += parts.unattributed
        self._book_units(interval, parts)

    def _book_units(self, interval: Interval, parts: EnergyParts) -> None:
        for key, use in interval.units.items():
            account = self.units.get(key)
            if account is None or account.identity != use.identity:
                self.ended += account.microjoules if account else 0
                account = self.units[key] = UnitAccount(use.identity)
            account.microjoules += parts.units[key]
            account.watts = parts.units[key] / interval.duration_s / 1e6

    def _end_unless_in(self, usage: Usage, at_s: float) -> None:
        """Mark the units that have ended; one that is unknown for now has not."""
        for key, account in self.units.items():
            use = usage.units.get(key)
            is_there = use is not None and use.identity == account.identity
            if is_there and use is not None and not use.has_ended:
                account.ended_s = None
            elif usage.knows(key):
                account.ended_s, account.watts = account.ended_s or at_s, 0.0


def _increase(before: CounterValue | None, after: CounterValue | None) -> int | None:
    """Return by how much a counter increased; None where it is unknown or did not continue."""
    if before is None or after is None or before.run != after.run:
        return None
    increase = after.microjoules - before.microjoules
    return increase if increase >= 0 else None


def _increases(
    before: Mapping[str, CounterValue], after: Mapping[str, CounterValue]
) -> dict[str, int]:
    """Return the increase of each counter that is known at both moments."""
    increases = {key: _increase(before.get(key), count) for key, count in after.items()}
    return {key: value for key, value in increases.items() if value is not None}
