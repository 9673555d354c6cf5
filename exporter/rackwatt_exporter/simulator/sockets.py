"""The socket that a simulated fleet listens on, one for each protocol.

On loopback it takes what is sent to any address there, so that ten thousand machines cost one
descriptor, and is bound to the device: nobody outside can ask. Where all machines have one other
address, as in a pod, it is bound to that.
"""

import socket
from collections.abc import Collection

LOOPBACK = "127."


def open_socket(
    kind: socket.SocketKind, addresses: Collection[str], port: int, *options: tuple[int, int, int]
) -> socket.socket:
    """Open a socket that hears what is sent to a port of these addresses; it never blocks.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    sock = socket.socket(socket.AF_INET, kind)
    sock.setblocking(False)
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.bind((_confined(sock, addresses), port))
    except OSError:
        sock.close()
        raise
    return sock


def _confined(sock: socket.socket, addresses: Collection[str]) -> str:
    if not all(address.startswith(LOOPBACK) for address in addresses):
        (one,) = set(addresses)
        return one
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    return "0.0.0.0"  # noqa: S104 - of the loopback device
