"""Unique ports for daemons that cannot choose one themselves.

To bind to port 0, close, and pass the number to a daemon is a race: until the daemon binds, the
kernel may give the same number to any other connection. These ports are of a range from which the
kernel gives none, and each call on this machine, in any process, gets the next one of it.
"""

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

FIRST, LAST = 15_000, 32_000  # below net.ipv4.ip_local_port_range
_COUNTER = Path(tempfile.gettempdir()) / f"rackwatt-tests-next-port-{os.getuid()}"
_KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM)


def free_port() -> int:
    """Return a port that is free on every address, for TCP and UDP."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Return some ports that are free on every address, for TCP and UDP."""
    with _COUNTER.open("a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        found = list(islice(filter(_is_free, _after(int(counter.read() or FIRST))), count))
        counter.truncate(0)
        counter.write(str(found[-1]))
    return found


def _after(last: int) -> Iterator[int]:
    yield from range(last + 1, LAST)
    yield from range(FIRST, last + 1)


def _is_free(port: int) -> bool:
    return all(_may_bind(port, kind) for kind in _KINDS)


def _may_bind(port: int, kind: int) -> bool:
    family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True
