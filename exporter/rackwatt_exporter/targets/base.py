"""The shape every source has: it reads one thing, and knows nothing of time, caching or text."""

from typing import Protocol

from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import Reading


class Source(Protocol):
    """One target's end of a protocol. Whoever holds it never calls it twice at once.

    It keeps what is worth keeping between readings (a session, where the watts are found) and
    mends itself: after any error, the next `read` sets up anew what has to be. `read` may be
    cancelled at any await when its deadline has passed; that too leaves a source that can go on.
    """

    @property
    def session(self) -> str:
        """What is kept open with the peer now, in words for people; empty for nothing."""
        ...

    async def read(self) -> Reading:
        """Read the power once.

        Raises:
            ReadError: with the reason; nothing else that the peer or network can cause.
        """
        ...

    async def close(self) -> None:
        """End the session at the peer, politely, within 3 s; it may be cut short."""
        ...


class Driver(Protocol):
    """What all sources of one method share in this process: sockets, pools, worker processes.

    Made once per method by `Driver(secrets)`, inside the running loop, when first needed.
    """

    def source(self, target: Target) -> Source:
        """Make the source of a target; it does no input or output yet."""
        ...

    async def close(self) -> None:
        """Give back what was shared, after every source has been closed."""
        ...
