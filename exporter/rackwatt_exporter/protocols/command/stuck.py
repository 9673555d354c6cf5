"""Children that SIGKILL did not end: they hang in a system call, as of a driver or a mount.

They stay until the call returns, which may never be. While one hangs, its command is not
started again: one that is run periodically would leave a child each time.
"""

import asyncio
from collections.abc import Sequence

_stuck: dict[tuple[str, ...], asyncio.SubprocessTransport] = {}


def remember(argv: Sequence[str], transport: asyncio.SubprocessTransport) -> None:
    """Remember a child that was killed and has not ended, and close its pipes.

    The transport stays open: the event loop reaps the child if it ends.
    """
    _stuck[tuple(argv)] = transport
    for descriptor in (1, 2):
        if pipe := transport.get_pipe_transport(descriptor):
            pipe.close()


def hanging(argv: Sequence[str]) -> int | None:
    """Return the process id of a child of this command that still hangs, else None."""
    transport = _stuck.get(tuple(argv))
    if transport is None:
        return None
    if transport.get_returncode() is None:
        return transport.get_pid()
    transport.close()
    del _stuck[tuple(argv)]
    return None
