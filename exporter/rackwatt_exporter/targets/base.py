"""Protocols of a source, which reads one target, and of a driver, which makes sources.

A source does no scheduling, caching or formatting.
"""

from typing import Protocol

from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import Reading


class Source(Protocol):
    """Client of one target; its caller never runs two reads at once.

    It keeps state between readings (a session, the location of the watts) and recovers by itself:
    after any error, the next `read` sets up again what it needs. `read` may be cancelled at any
    await when its deadline has passed; the source stays usable.
    """

    @property
    def session(self) -> str:
        """What is open with the peer now, for people; empty for nothing."""
        ...

    async def read(self) -> Reading:
        """Read the power once.

        Raises:
            ReadError: with the reason; nothing else that the peer or network can cause.
        """
        ...

    async def close(self) -> None:
        """End the session at the peer within 3 s; it may be cancelled."""
        ...


class Driver(Protocol):
    """Resources that all sources of one method share: sockets, pools, worker processes.

    Created once for each method by `Driver(secrets)`, inside the running loop, when first needed.
    """

    def source(self, target: Target) -> Source:
        """Make the source of a target; it does no input or output yet."""
        ...

    async def close(self) -> None:
        """Release the shared resources, after every source has been closed."""
        ...
