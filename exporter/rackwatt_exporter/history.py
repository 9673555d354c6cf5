"""What each target drew during the last hour, coarsely: for the sparklines of the fleet page.

Prometheus keeps the past; this is for the glance that asks "since when is it so?". A sample is the
reading that stood at that moment, taken for all targets in one sweep, so that a reading itself
costs nothing more. A ring of 32-bit floats holds them: 0.7 KiB for each target, and no more ever
(docs/decisions/0005-history-of-one-hour.md).
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
        self._place = 0

    async def run(self) -> None:
        """Take a sample every step, until cancelled."""
        while True:
            await asyncio.sleep(STEP_S)
            self.sample()

    def sample(self) -> None:
        """Note what is known now; a target without a reading leaves a gap."""
        records, rings, place = self._store.records, self._rings, self._place
        self._store.withdraw_stale()
        for node in rings.keys() - records.keys():
            del rings[node]
        total = math.nan
        for node, record in records.items():
            ring = rings.get(node)
            if ring is None:
                ring = rings[node] = _BLANK[:]
            if record.value is None:
                ring[place] = math.nan
            else:
                ring[place] = watts = record.value.watts
                total = watts if math.isnan(total) else total + watts
        self._sum[place] = total
        self._place = (place + 1) % STEPS

    def watts(self, node: str | None) -> list[float | None]:
        """Tell a node's samples, or with None their sum, oldest first; None where there was none.

        Ends with the sample taken last; begins with the first that is known.
        """
        ring = self._sum if node is None else self._rings.get(node, _BLANK)
        ordered = ring[self._place :] + ring[: self._place]
        samples = [None if math.isnan(watts) else round(watts, 1) for watts in ordered]
        first = next((at for at, watts in enumerate(samples) if watts is not None), STEPS)
        return samples[first:]
