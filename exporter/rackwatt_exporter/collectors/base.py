"""Protocol of a collector, which reads one subsystem of this machine and does no scheduling.

It has the interface of a target's source (targets/base.py), so that the same poller drives both.
"""

from typing import Protocol

import msgspec

from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.reading import DomainPower, EnergyCounter, ReadError


class CollectorResult(msgspec.Struct, frozen=True):
    """What one reading returned. `error` says why a part of it is missing, if one is.

    `lacking` are the domains whose sum lacks such a part; None where that may be any.
    `absent` says why there is nothing, where a document did not name the collector and the machine
    does not have what it reads. `gpus` are those that it found, with which units are matched.

    The first label of every sample is the node's name, which the exposition adds: a collector
    returns the others.
    """

    samples: tuple[Sample, ...] = ()
    energies: tuple[EnergyCounter, ...] = ()
    error: ReadError | None = None
    powers: tuple[DomainPower, ...] = ()
    absent: ReadError | None = None
    gpus: tuple[Gpu, ...] = ()
    lacking: frozenset[str] | None = None


class Collector(Protocol):
    """A collector; its caller never runs two reads at once.

    It keeps files open between readings, and recovers by itself: after any error the next `read`
    reopens what it needs. Reading /proc and /sys takes microseconds and is done on the event loop;
    what can take long is awaited, and may be cancelled there.
    """

    async def read(self) -> CollectorResult:
        """Read once.

        Raises:
            ReadError: with the reason, where nothing can be read at all.
        """
        ...

    async def close(self) -> None:
        """Close open files."""
        ...
