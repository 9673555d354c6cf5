"""The stores of a node, as profiles read them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.memory import MemoryResult
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.reading import WHOLE_NODE
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.units import UnitStore
from rackwatt_exporter.units.model import UnitReading

MEMORY, SWAP = "MemTotal", "SwapTotal"


class NodeStores(NamedTuple):
    """The stores of one node."""

    collectors: CollectorStore
    units: UnitStore

    @property
    def node(self) -> str:
        """The name of the node."""
        return self.collectors.node

    def result(self, collector: str) -> CollectorResult | None:
        """Return what a collector found last; None where that does not count any more."""
        record = self.collectors.records.get(collector)
        return record.value if record is not None else None

    def samples(self, collector: str) -> tuple[Sample, ...]:
        """Return the samples of a collector."""
        result = self.result(collector)
        return result.samples if result is not None else ()

    def of_family(self, collector: str, family: MetricFamily) -> Iterator[Sample]:
        """Go through the samples of one family."""
        return (one for one in self.samples(collector) if one.family is family)

    def watts(self, collector: str) -> float | None:
        """Return the power of the whole node by a collector."""
        result = self.result(collector)
        powers = result.powers if result is not None else ()
        return next((one.watts for one in powers if one.domain == WHOLE_NODE), None)

    def memory_limit(self, reading: UnitReading) -> float | None:
        """Return the limit of a unit's memory; without one it is the memory of the node."""
        return self._limit(reading.memory_limit_bytes, MEMORY)

    def swap_limit(self, reading: UnitReading) -> float | None:
        """Return the limit of a unit's swap; without one it is the swap of the node."""
        return self._limit(reading.swap_limit_bytes, SWAP)

    def memory(self, name: str) -> int | None:
        """Return a size of /proc/meminfo in bytes."""
        result = self.result("memory")
        return result.sizes.get(name) if isinstance(result, MemoryResult) else None

    def _limit(self, limit: float | None, name: str) -> float | None:
        return self.memory(name) if limit == math.inf else limit


def failures(reading: UnitReading) -> int | None:
    """Return how often a unit had no memory left: version 2 counts `oom`, version 1 `failcnt`."""
    return reading.memory_failures if reading.ooms is None else reading.ooms
