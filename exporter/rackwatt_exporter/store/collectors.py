"""The store of this machine's collectors: what each found last, and the joules of its counters.

Counters of joules come raw, and are booked here on counters that outlive the process. Power that
comes without a counter is integrated over time, as that of a BMC is.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, EnergyCounter, ReadError
from rackwatt_exporter.store.ledger import EnergyAccount
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.store import Record, Store
from rackwatt_exporter.store.wrapping_counter import WrappingCounter

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SUSPENDED_S = 1.0  # less may be between two readings of clocks

CollectorRecord: TypeAlias = Record[CollectorConfig, CollectorResult]


class CollectorStore(Store[CollectorConfig, CollectorResult]):
    """All collectors by name, on the node of this name."""

    def __init__(
        self,
        node: str,
        ledger: LedgerFile,
        clock: Callable[[], float] = time.monotonic,
        since_boot: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock)
        self.node = node
        self._ledger = ledger
        self._since_boot = since_boot
        self._wall = wall
        self._boot = boot_id()
        self._suspended_s: dict[str, float] = {}

    @property
    def scheduler(self) -> str | None:
        """The binding that knows this node's state, if a document names one."""
        named = (record.spec.scheduler for record in self.records.values())
        return next(filter(None, named), None)

    def gpus(self) -> tuple[Gpu, ...]:
        """Return the GPUs of this machine, as collectors found them last."""
        values = (record.value for record in self.records.values())
        return tuple(gpu for value in values if value is not None for gpu in value.gpus)

    def counter(self, collector: str, energy: EnergyCounter) -> WrappingCounter:
        """Return the account of a counter."""
        key = _counter_key(collector, energy)
        return self._ledger.counters.setdefault(key, WrappingCounter())

    def account(self, collector: str, power: DomainPower) -> EnergyAccount:
        """Return the account of a power."""
        key = _account_key(collector, power)
        return self._ledger.accounts.setdefault(key, EnergyAccount())

    def watts(self, record: CollectorRecord) -> float | None:
        """Sum what a collector measures; None unless all of it is known.

        A source of the whole node measures its parts, too: these are not added, and one that
        cannot be read is not missed.
        """
        value = record.value
        if value is None:
            return None
        name = record.spec.name
        known: list[tuple[DomainPower | EnergyCounter, float | None]] = [
            *((power, power.watts) for power in value.powers),
            *((energy, self.counter(name, energy).watts) for energy in value.energies),
        ]
        whole = [watts for part, watts in known if part.domain == WHOLE_NODE]
        if value.error is not None and not whole and (value.lacking is None or value.lacking):
            return None
        known_watts = whole or [watts for part, watts in known if part.additive]
        watts = [each for each in known_watts if each is not None]
        return sum(watts) if watts and len(watts) == len(known_watts) else None

    def _problem(self, value: CollectorResult) -> ReadError | None:
        return value.error

    def _accept(self, record: CollectorRecord, value: CollectorResult, took_s: float) -> None:
        """Put a result into its record, and book its counters."""
        super()._accept(record, value, took_s)
        self._book(record.spec, value)

    def _book(self, spec: CollectorConfig, value: CollectorResult) -> None:
        at_s, wall_s, collector = self._since_boot(), self._wall(), spec.name
        was_suspended = self._was_suspended(collector, at_s)
        for power in value.powers:
            account = self.account(collector, power)
            if was_suspended:
                account.pause()
            account.add(power.watts, power.joules, at_s, wall_s, spec.stale_after_s)
            self._ledger.changed.add(_account_key(collector, power))
        for energy in value.energies:
            boot = f"{self._boot} {energy.epoch}" if energy.epoch else self._boot
            self.counter(collector, energy).update(
                energy.joules, energy.span_joules, boot, at_s, wall_s, energy.max_watts
            )
            self._ledger.changed.add(_counter_key(collector, energy))

    def _was_suspended(self, collector: str, since_boot_s: float) -> bool:
        """Return whether this machine was suspended since a collector was read.

        What it drew then was measured neither before nor after it.
        """
        suspended_s = since_boot_s - self._clock()
        before_s = self._suspended_s.get(collector, suspended_s)
        self._suspended_s[collector] = suspended_s
        return suspended_s - before_s > _SUSPENDED_S


def _counter_key(collector: str, energy: EnergyCounter) -> str:
    return f"{collector}/{energy.zone}"


def _account_key(collector: str, power: DomainPower) -> str:
    return f"{collector}/{power.zone}"


def boot_id() -> str:
    """Return the identity of this boot, the same in every container; empty where it has none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
