"""The shape every collector has: it reads one thing of this machine, and knows nothing of time.

The mirror image of targets/source.py, so that the same polling drives both.
"""

from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from rackwatt_exporter.meter import MOST_DOMAIN_WATTS
from rackwatt_exporter.reading import ReadError


class Quantity(StrEnum):
    """What a sample is a number of, in base units; page/families.py has a family for each."""

    CPU_SECONDS = "cpu_seconds"
    CPU_GUEST_SECONDS = "cpu_guest_seconds"
    CPUS = "cpus"


class Sample(NamedTuple):
    """One number, ready to be served: the labels are those of its family behind `node`."""

    quantity: Quantity
    labels: tuple[str, ...]
    value: float


class Energy(NamedTuple):
    """A counter of joules as it stands, which the ledger makes an account of (meter.py).

    `zone` is its name within its collector, the same after every boot. `span_joules` is where it
    wraps, `most_watts` more than it is ever made to grow by. `whole` where it is part of no other
    counter: only such ones may be added up.
    """

    domain: str
    zone: str
    joules: float
    span_joules: float
    whole: bool
    most_watts: float = MOST_DOMAIN_WATTS


class Findings(msgspec.Struct, frozen=True):
    """What one reading brought. `amiss` says why a part of it is not there, if one is not."""

    samples: tuple[Sample, ...] = ()
    energies: tuple[Energy, ...] = ()
    amiss: ReadError | None = None


class Collector(Protocol):
    """One collector at work. Whoever holds it never calls it twice at once.

    It keeps files open between readings, and mends itself: after any error the next `read` opens
    anew what has to be. Reading /proc and /sys takes microseconds and is done on the loop; what can
    take long is awaited, and may be cancelled there.
    """

    async def read(self) -> Findings:
        """Read once.

        Raises:
            ReadError: with the reason, where there is nothing to be had at all.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...
