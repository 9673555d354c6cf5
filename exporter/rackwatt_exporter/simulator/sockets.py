"""Sockets of a simulated fleet, one for each protocol.

On loopback a socket receives packets to any address, so that ten thousand machines need one
descriptor. It is bound to the loopback device, out of reach of other hosts. Where all machines have
one other address, as in a pod, it is bound to that.
"""

import socket
from collections.abc import Collection

LOOPBACK = "127."


def open_socket(
    kind: socket.SocketKind, addresses: Collection[str], port: int, *options: tuple[int, int, int]
) -> socket.socket:
    """Open a non-blocking socket on a port of these addresses.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    sock = socket.socket(socket.AF_INET, kind)
    sock.setblocking(False)
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.bind((_bind_address(sock, addresses), port))
    except OSError:
        sock.close()
        raise
    return sock


def _bind_address(sock: socket.socket, addresses: Collection[str]) -> str:
    if not all(address.startswith(LOOPBACK) for address in addresses):
        (address,) = set(addresses)
        return address
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    return "0.0.0.0"  # noqa: S104 - of the loopback device
