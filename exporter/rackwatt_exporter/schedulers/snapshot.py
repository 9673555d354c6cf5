"""One answer of a scheduler, in the same words whichever scheduler gave it.

Every view of a scheduler is made of one snapshot, so that what two families say of a node is of the
same moment. A reader fills what its scheduler reports; an empty field was not reported. The relay
(relay.py) serves these very structures to other exporters: their bounds are here, and every reader
keeps to them.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from rackwatt_exporter.printable import printable

MAX_NAME = 255
MAX_PARTITIONS = 1000
MAX_REASON = 200
MAX_TIME_S = 2**40
_MAX_WORDS = {"cluster": 100, "version": 40, "note": 500}

Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}\Z")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
Time = Annotated[int, msgspec.Meta(ge=1, le=MAX_TIME_S)]


class SchedulerNode(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One node, once, however many partitions it is in.

    `state` is a word of node_state.py. `base` and `flags` are what it was decided from; `base` is
    None where the scheduler reports no base state. `partitions` are sorted, since Slurm lists them
    in any order. `reason` is why the node is out of service, in the words of its administrator or
    of the scheduler; `reason_at_s` is when it was set (Unix time).
    """

    state: Word
    base: Word | None = None
    flags: Annotated[tuple[Word, ...], msgspec.Meta(max_length=64)] = ()
    partitions: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_PARTITIONS)] = ()
    reason: str = ""
    reason_at_s: Time | None = None

    def __post_init__(self) -> None:
        if self.reason:
            msgspec.structs.force_setattr(self, "reason", printable(self.reason, MAX_REASON))


class SchedulerSnapshot(msgspec.Struct, frozen=True):
    """What a scheduler reports of its nodes, by name. A node that is missing has no state.

    `cluster` is the name that the scheduler itself gives its cluster, `version` its own version.
    `unread` nodes exist and could not be read; `note` says more of them. `age_s` is how old the
    answer was when it came: that of a scheduler itself is new.
    """

    nodes: Mapping[Name, SchedulerNode]
    cluster: str = ""
    version: str = ""
    unread: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 0
    note: str = ""
    age_s: float = 0.0

    def __post_init__(self) -> None:
        for field, limit in _MAX_WORDS.items():
            words = printable(getattr(self, field), limit)
            msgspec.structs.force_setattr(self, field, words)


def share(nodes: Iterable[tuple[str, SchedulerNode]]) -> dict[str, SchedulerNode]:
    """Return nodes by name; equal ones are one object, since few of ten thousand differ."""
    known: dict[SchedulerNode, SchedulerNode] = {}
    return {name: known.setdefault(node, node) for name, node in nodes}
