"""History of each target's power over the last hour, for the sparklines of the fleet page.

It shows since when a value is as it is; Prometheus has the full history. All targets are sampled
together, so that a poll costs nothing more. A ring buffer of 32-bit floats needs 0.7 KiB for each
target (docs/decisions/0005-history-of-one-hour.md).
"""

import asyncio
import math
from array import array

from rackwatt_exporter.store.targets import TargetStore

STEP_S = 30.0
STEPS = 120
_BLANK = array("f", [math.nan]) * STEPS


class History:
    """Samples of every target in the store, and of their sum."""

    def __init__(self, store: TargetStore) -> None:
        self._store = store
        self._rings: dict[str, array[float]] = {}
        self._sum = _BLANK[:]
        self._index = 0

    async def run(self) -> None:
        """Take a sample every step, until cancelled."""
        while True:
            await asyncio.sleep(STEP_S)
            self.sample()

    def sample(self) -> None:
        """Sample every target now; one without a reading has a gap."""
        records, rings, index = self._store.records, self._rings, self._index
        self._store.withdraw_stale()
        for node in rings.keys() - records.keys():
            del rings[node]
        total = math.nan
        for node, record in records.items():
            ring = rings.get(node)
            if ring is None:
                ring = rings[node] = _BLANK[:]
            if record.value is None:
                ring[index] = math.nan
            else:
                ring[index] = watts = record.value.watts
                total = watts if math.isnan(total) else total + watts
        self._sum[index] = total
        self._index = (index + 1) % STEPS

    def watts(self, node: str | None) -> list[float | None]:
        """Return a node's samples in watts, oldest first, or with None those of the sum.

        A gap is None. The list begins with the first known sample and ends with the latest.
        """
        ring = self._sum if node is None else self._rings.get(node, _BLANK)
        ordered = ring[self._index :] + ring[: self._index]
        samples = [None if math.isnan(watts) else round(watts, 1) for watts in ordered]
        first = next((at for at, watts in enumerate(samples) if watts is not None), STEPS)
        return samples[first:]
