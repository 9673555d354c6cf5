"""Which targets are this process' own, where several processes share one set of documents.

Each process reads all documents and judges them whole, and keeps its part. The part is chosen by a
stable hash of the endpoint: what stands behind one BMC stays in one process, with one session
(docs/decisions/0007-sharding.md).
"""

import hashlib
from dataclasses import dataclass, replace

from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.target import Target

MOST_SHARDS = 1000


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` processes; `number` counts from 1."""

    number: int = 1
    count: int = 1

    def part(self, whole: Fleet) -> Fleet:
        """Give this shard's part of a fleet: its targets, every binding, every problem.

        What is measured from inside, and the grid, are the first one's.
        """
        if self.count == 1:
            return whole
        targets = {node: target for node, target in whole.targets.items() if self.takes(target)}
        if self.number == 1:
            return replace(whole, targets=targets)
        return replace(whole, targets=targets, instruments={}, feeds={})

    def takes(self, target: Target) -> bool:
        """Tell whether a target is this shard's."""
        return jump_hash(target.address or target.node, self.count) == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE = Shard()


def shard(text: str) -> Shard:
    """Read `I/N`.

    Raises:
        ValueError: it is not that.
    """
    number, slash, count = text.partition("/")
    digits = slash and number.isascii() and number.isdigit() and count.isascii() and count.isdigit()
    if not digits or not 1 <= int(number) <= int(count) <= MOST_SHARDS:
        raise ValueError(f"{text!r} is not I/N, such as 2/4 for the second of four")
    return Shard(int(number), int(count))


def jump_hash(key: str, buckets: int) -> int:
    """Choose a bucket in 0..buckets for a key, the same in every process and at all times.

    Of the keys, 1/n move when there is an n-th bucket, and all of them move into it (Lamping and
    Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014).
    """
    state = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())
    chosen, jump = 0, 0
    while jump < buckets:
        chosen = jump
        state = (state * 2862933555777941757 + 1) % 2**64
        jump = (chosen + 1) * 2**31 // ((state >> 33) + 1)
    return chosen
