"""Sharding: the part of a fleet that this process reads.

Each process reads and validates all documents and keeps its part. A stable hash of the endpoint
selects the part, so that all nodes of one BMC are in one process, with one session
(docs/decisions/0007-sharding.md).
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.target import Target

MAX_SHARDS = 1000


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` processes; `number` counts from 1."""

    number: int = 1
    count: int = 1

    def select(self, whole: Fleet) -> Fleet:
        """Return this shard's part of a fleet: its targets, every scheduler and every problem.

        Collectors, units, grid zones and the I/O of jobs belong to the first shard.
        """
        if self.count == 1:
            return whole
        targets = {node: target for node, target in whole.targets.items() if self.includes(target)}
        if self.number == 1:
            return replace(whole, targets=targets)
        none: dict[str, Any] = {}
        return replace(
            whole,
            targets=targets,
            collectors=none,
            units=none,
            energy=none,
            grids=none,
            lustre=none,
        )

    def includes(self, target: Target) -> bool:
        """Return whether a target belongs to this shard."""
        return jump_hash(target.address or target.node, self.count) == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE = Shard()


def parse_shard(text: str) -> Shard:
    """Parse `I/N`.

    Raises:
        ValueError: the text has another form, or I is not in 1 to N.
    """
    number, slash, count = text.partition("/")
    digits = slash and number.isascii() and number.isdigit() and count.isascii() and count.isdigit()
    if not digits or not 1 <= int(number) <= int(count) <= MAX_SHARDS:
        raise ValueError(f"{text!r} is not I/N, such as 2/4 for the second of four")
    return Shard(int(number), int(count))


def jump_hash(key: str, buckets: int) -> int:
    """Return the bucket of a key, from 0 to `buckets` - 1, the same in every process.

    An n-th bucket takes 1/n of the keys, and no other key moves (Lamping and Veach, "A Fast,
    Minimal Memory, Consistent Hash Algorithm", 2014).
    """
    state = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())
    chosen, jump = 0, 0
    while jump < buckets:
        chosen = jump
        state = (state * 2862933555777941757 + 1) % 2**64
        jump = (chosen + 1) * 2**31 // ((state >> 33) + 1)
    return chosen
