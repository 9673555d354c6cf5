"""The store of this machine's units: what each manager's were last, and those that have ended.

A unit that has ended is kept until a page has shown it, and for one more poll: it may have lived
between two of them, and then nothing else is known of it.
"""

import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.store.store import Record, Store
from rackwatt_exporter.units.model import UnitKey, UnitReading, UnitsResult

UnitsRecord: TypeAlias = Record[UnitsConfig, UnitsResult]

_MAX_ENDED = 20000


class UnitStore(Store[UnitsConfig, UnitsResult]):
    """The units of all managers, on the node of this name."""

    def __init__(self, node: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self.node = node
        self._ended: dict[UnitKey, UnitReading] = {}
        self._shown: set[UnitKey] = set()

    def readings(self) -> Iterator[UnitReading]:
        """Go through all units, each once, and those that have ended and are to be shown."""
        live: set[UnitKey] = set()
        for record in self.records.values():
            for reading in record.value.units if record.value else ():
                live.add(reading.key)
                yield reading
        for key, reading in self._ended.items():
            if key not in live:
                yield reading

    def mark_shown(self) -> None:
        """Note that a page has shown what there is."""
        self._shown.update(self._ended)

    def _problem(self, value: UnitsResult) -> ReadError | None:
        return value.error

    def _accept(self, record: UnitsRecord, value: UnitsResult, took_s: float) -> None:
        """Put a result into its record, and keep what has ended."""
        super()._accept(record, value, took_s)
        for key in [key for key in self._shown if key.manager == record.spec.manager]:
            self._shown.discard(key)
            self._ended.pop(key, None)
        for reading in value.ended[: max(0, _MAX_ENDED - len(self._ended))]:
            self._ended[reading.key] = reading
