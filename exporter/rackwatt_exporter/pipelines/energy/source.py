"""Advances the ledger of this machine with what its collectors and managers have read since.

It reads the stores, and never a device: what is slow is read in the background. What a store
accepts is taken over at once: it may accept several values between two advances. The ledger
advances to the latest moment that every counter and every manager covers.
"""

import time
from collections import Counter
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from rackwatt_exporter.config.energy import AUTO, EnergyConfig
from rackwatt_exporter.energy.ledger import Position
from rackwatt_exporter.energy.timeline import Timeline
from rackwatt_exporter.energy.usage import (
    ALL_KNOWN,
    NOTHING_KNOWN,
    Known,
    Units,
    UnitsTimeline,
    UnitUse,
    Usage,
)
from rackwatt_exporter.pipelines.energy.meters import NodeMeters, suspended_s
from rackwatt_exporter.pipelines.energy.node_use import NodeUse
from rackwatt_exporter.pipelines.energy.state_file import EnergyStateFile
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.units import UnitsRecord, UnitStore
from rackwatt_exporter.units.model import UnitReading, UnitsResult

_KEPT_S = 300.0  # of a unit that ended: several scrapes
_MILLION = 1_000_000


class UnitEnergy(msgspec.Struct, frozen=True, gc=False):
    """Energy of a unit since it began, and its mean power in the last interval."""

    joules: float
    watts: float | None


class EnergyView(msgspec.Struct, frozen=True):
    """The ledger as it is served: all in joules, `units` by manager and unit.

    `source` measures the node; where it is empty, `awaited` will, from its next reading on.
    """

    source: str
    awaited: str
    gpus: str
    measured: float
    units_total: float
    idle: float
    system: float
    unattributed: float
    imbalance: float
    covered_s: float
    idle_watts: float | None
    units: dict[tuple[str, str], UnitEnergy]
    error: ReadError | None = None


class NodeEnergy:
    """The ledger of this machine, and what it is fed with."""

    def __init__(
        self,
        spec: EnergyConfig,
        collectors: CollectorStore,
        units: UnitStore,
        use: NodeUse,
        file: EnergyStateFile,
        boot: str,
        clock: Callable[[], float] = time.monotonic,
        suspended: Callable[[], float] = suspended_s,
    ) -> None:
        self._spec = spec
        self._units = units
        self._use = use
        self._file = file
        self._boot = boot
        self._clock = clock
        self._ledger = file.ledger(boot)
        position = self._ledger.position
        meters = position.meters if position else None
        self._meters = NodeMeters(collectors, spec.source, meters, suspended)
        self._busy = Timeline()
        self._managers: dict[str, UnitsTimeline] = {}
        self._unwatch = [units.watch(self._observe_units), collectors.watch(self._meters.take)]
        for record in units.records.values():
            self._observe_units(record)

    async def read(self) -> EnergyView:
        """Advance as far as everything is known, and return the ledger once it is on disk.

        Raises:
            ReadError: the use of the node cannot be read.
        """
        busy_ns, cpus = self._use.busy_ns()
        used_bytes = self._use.used_bytes()
        self._busy.add(self._clock(), busy_ns)
        self._meters.observe()
        self._drop_managers()
        if self._advance(cpus, used_bytes):
            await self._file.save(self._ledger)
        return self._view()

    async def close(self) -> None:
        """Close what is open; the ledger is on disk already."""
        for unwatch in self._unwatch:
            unwatch()
        self._use.close()

    def _observe_units(self, record: UnitsRecord) -> None:
        name, value, at_s = record.spec.manager, record.value, record.read_at_s
        if value is not None and at_s is not None:
            self._managers.setdefault(name, UnitsTimeline()).add(at_s, _units(name, value))

    def _drop_managers(self) -> None:
        """Drop managers that no document names, and those that have not been read for too long."""
        for name in list(self._managers):
            record = self._units.fresh(name)
            if record is None or record.value is None:
                del self._managers[name]

    def _advance(self, cpus: int, used_bytes: int) -> bool:
        """Advance the ledger; return whether it did."""
        lines = self._managers.values()
        time_s = min([self._busy.last_s, self._meters.covers_s, *(one.last_s for one in lines)])
        position = self._ledger.position
        if position is not None and time_s <= position.usage.at_s:
            return False
        busy_ns, meters = self._busy.at(time_s), self._meters.at(time_s)
        if busy_ns is None or meters is None:
            return False
        usage = self._usage(time_s, busy_ns, cpus, used_bytes)
        self._ledger.advance(self._boot, meters, usage, self._spec.division)
        known_managers = {key.partition("/")[0] for key in self._ledger.units}
        self._ledger.end_units_of(known_managers - self._units.records.keys(), time_s)
        self._ledger.forget(time_s - _KEPT_S)
        self._busy.forget_before(time_s)
        self._meters.forget_before(time_s)
        for line in self._managers.values():
            line.forget_before(time_s)
        return True

    def _usage(self, time_s: float, busy_ns: int, cpus: int, used_bytes: int) -> Usage:
        """Return the use of the node and its units at a moment."""
        found = {
            name: units
            for name, line in self._managers.items()
            if (units := line.at(time_s)) is not None
        }
        known = ALL_KNOWN if found.keys() == self._units.records.keys() else NOTHING_KNOWN
        for each in found.values():
            known &= each.known
        uses = {key: use for each in found.values() for key, use in each.uses.items()}
        unread = frozenset(key for each in found.values() for key in each.unread)
        return Usage(
            time_s, busy_ns, cpus, used_bytes, uses, frozenset(found), known=known, unread=unread
        )

    def _view(self) -> EnergyView:
        ledger = self._ledger
        position = ledger.position
        source = position.meters.source if position else ""
        age_s = self._clock() - position.usage.at_s if position else 0.0
        is_fresh = age_s <= self._spec.stale_after_s
        return EnergyView(
            source=source,
            awaited=self._meters.awaited,
            gpus=self._gpus(position),
            measured=ledger.measured / _MILLION,
            units_total=ledger.units_total / _MILLION,
            idle=ledger.idle / _MILLION,
            system=ledger.system / _MILLION,
            unattributed=ledger.unattributed / _MILLION,
            imbalance=ledger.imbalance / _MILLION,
            covered_s=ledger.covered_ms / 1000,
            idle_watts=ledger.idle_watts(self._spec.division),
            units={
                _split(key): UnitEnergy(one.microjoules / _MILLION, one.watts if is_fresh else None)
                for key, one in ledger.units.items()
            },
            error=self._no_source() if self._fails else None,
        )

    @property
    def _fails(self) -> bool:
        return self._spec.is_required and self._meters.is_in_vain

    def _gpus(self, position: Position | None) -> str:
        """Return whether the source measures the GPUs, too; empty where there is no source."""
        if position is None or not position.meters.source:
            return ""
        if not position.meters.expected_gpus:
            return "none"
        gpus = self._spec.division.gpus
        if position.meters.is_whole and gpus != AUTO:
            return gpus
        meters = position.meters
        is_separate = not meters.is_whole or self._ledger.has_separate_gpus(meters.source)
        return "separate" if is_separate else "included"

    def _no_source(self) -> ReadError:
        wanted = self._spec.source
        if wanted == AUTO:
            wanted = "cray, redfish, ipmi, hwmon or rapl"
        message = (
            f"no collector has measured the power of this node yet: {wanted} must be in "
            "spec.node.collectors, and up"
        )
        return ReadError(Reason.ABSENT, message)


def _split(key: str) -> tuple[str, str]:
    manager, _, unit = key.partition("/")
    return manager, unit


def _units(manager: str, value: UnitsResult) -> Units:
    """Return the units of a reading; those without CPU time are as if they were not read."""
    unread = set(value.unread)
    uses: dict[str, UnitUse] = {}
    ended = (replace(one, has_ended=True) for one in value.ended)
    for reading in (*ended, *value.units):
        use = _use(reading)
        if use is not None:
            uses[f"{manager}/{reading.key.unit}"] = use
        else:
            unread.add(reading.key.unit)
    unread = {f"{manager}/{unit}" for unit in unread}
    is_whole = value.is_complete and not unread
    known = Known(is_whole, is_whole, is_whole and value.knows_gpus)
    return Units(uses, known, frozenset(unread - uses.keys()))


def _use(reading: UnitReading) -> UnitUse | None:
    """Return the use of a unit; None where its CPU time is unknown."""
    if reading.cpu_ns is None:
        return None
    gpus: Counter[str] = Counter()
    for gpu in reading.gpus:  # a unit may hold several instances of one
        gpus[gpu.uuid] += round(gpu.share * _MILLION)
    return UnitUse(
        reading.identity,
        reading.cpu_ns,
        reading.anonymous_bytes,
        None if reading.cpus is None else round(reading.cpus * 1000),
        gpus,
        reading.has_ended,
    )
