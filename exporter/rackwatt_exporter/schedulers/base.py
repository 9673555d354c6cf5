"""The shape every scheduler has: it reads the state of all nodes, and knows nothing of time.

The mirror image of targets/source.py, so that the same polling drives both.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from rackwatt_exporter.printable import printable

MAX_VERSION = 40


class NodeStates(msgspec.Struct, frozen=True):
    """What the scheduler says of its nodes: a word of state.py for each name, each name once.

    A node that is missing has no state. `version` is the scheduler's own, as it spells it. `age_s`
    is how old the answer was when it came: that of a scheduler itself is new. `unread` nodes are
    there and their states could not be read; `note` says more of them.
    """

    states: Mapping[str, str]
    version: str
    age_s: float = 0.0
    unread: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "version", printable(self.version, MAX_VERSION))


class Scheduler(Protocol):
    """One scheduler's end of a way to ask it. Whoever holds it never calls it twice at once.

    Like a source it mends itself: after any error, and after being cancelled at any await, the
    next `read` sets up anew what has to be.
    """

    async def read(self) -> NodeStates:
        """Read the state of every node once.

        Raises:
            ReadError: with the reason; nothing else that the scheduler or network can cause.
        """
        ...

    async def close(self) -> None:
        """End what is open, within a second; it may be cut short."""
        ...
