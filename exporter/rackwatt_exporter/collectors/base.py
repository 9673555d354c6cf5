"""The protocol of a collector: it reads one thing of this machine, and knows nothing of time.

The mirror image of targets/source.py, so that the same polling drives both.
"""

from typing import Protocol

import msgspec

from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.reading import EnergyCounter, ReadError


class CollectorResult(msgspec.Struct, frozen=True):
    """What one reading returned. `error` says why a part of it is missing, if one is.

    The first label of every sample is the node's name, which the page puts before the others: a
    collector gives those behind it.
    """

    samples: tuple[Sample, ...] = ()
    energies: tuple[EnergyCounter, ...] = ()
    error: ReadError | None = None


class Collector(Protocol):
    """One collector at work. Its user never calls it twice at once.

    It keeps files open between readings, and recovers by itself: after any error the next `read`
    opens again what has to be. Reading /proc and /sys takes microseconds and is done on the loop;
    what can take long is awaited, and may be cancelled there.
    """

    async def read(self) -> CollectorResult:
        """Read once.

        Raises:
            ReadError: with the reason, where nothing can be read at all.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...
