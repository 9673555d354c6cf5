"""One node as a scheduler reports it, what was measured on it, and whose jobs hold parts of it.

The three are apart: a measurement differs at each poll, and jobs come and go, but the rest stays
for hours, so that equal nodes can be one object.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from rackwatt_exporter.printable import printable
from rackwatt_exporter.schedulers.model.fields import (
    MAX_REASON,
    Count,
    Load,
    Names,
    Text,
    Time,
    Word,
    Words,
)
from rackwatt_exporter.schedulers.model.resources import Resources

MAX_SHARES = 100


class SchedulerNode(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One node, once, however many partitions it is in.

    `state` is a word of node_state.py. `base` and `flags` are what it was decided from; `base` is
    None where the scheduler reports no base state. `partitions` are sorted, since Slurm lists them
    in any order. `reason` is why the node is out of service, in the words of its administrator or
    of the scheduler; `reason_at_s` is when it was set (Unix time). `total` is what the scheduler
    can allocate of the node, `allocated` what it has. Of the nodes that fit a job, Slurm allocates
    those of the lowest `weight`.
    """

    state: Word
    base: Word | None = None
    flags: Words = ()
    partitions: Names = ()
    reason: str = ""
    reason_at_s: Time | None = None
    features: Names = ()
    total: Resources | None = None
    allocated: Resources | None = None
    weight: Count | None = None

    def __post_init__(self) -> None:
        if self.reason:
            msgspec.structs.force_setattr(self, "reason", printable(self.reason, MAX_REASON))


class NodeUsage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the scheduler's own daemon on a node measured last; None was not reported.

    `load` is the system's load average, and `free_memory_bytes` is what the system has not in use:
    both are of all processes, not of jobs alone.
    """

    load: Load | None = None
    free_memory_bytes: Count | None = None


class NodeShare(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the jobs of one user, account and partition hold of a node, as a ratio of all of it.

    The ratios of a node add up to 1 at most. What is missing to 1 is held by no job, or by jobs
    whose part of it is not known. An empty text was not reported, or is left out.
    """

    ratio: Annotated[float, Meta(gt=0, le=1)]
    user: Text = ""
    account: Text = ""
    partition: Text = ""


NodeShares = Annotated[tuple[NodeShare, ...], Meta(max_length=MAX_SHARES)]
