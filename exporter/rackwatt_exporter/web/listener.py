"""The sockets that stay while what answers on them is replaced.

Python cannot change all of a TLS context in use. So a new one gets a listener of its own on the
same socket before the old listener goes: no connection is refused or dropped meanwhile.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

_BACKLOG = 128


class Listener:
    """Listens at an address; an empty `host` is every address of either family."""

    def __init__(self, host: str, port: int, handshake_limit_s: float) -> None:
        """Take the sockets.

        Raises:
            OSError: the address is not ours, or is taken.
        """
        self._sockets = _bound(host, port)
        self._handshake_limit_s = handshake_limit_s
        self._servers: list[asyncio.Server] = []

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens."""
        return [sock.getsockname()[:2] for sock in self._sockets]

    async def serve(
        self, protocol: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext | None
    ) -> None:
        """Answer new connections so from now on; those there are go on as they were."""
        loop, before = asyncio.get_running_loop(), self._servers
        self._servers = [
            await loop.create_server(
                protocol,
                sock=sock.dup(),
                ssl=tls,
                ssl_handshake_timeout=self._handshake_limit_s if tls else None,
                backlog=_BACKLOG,
            )
            for sock in self._sockets
        ]
        for server in before:
            server.close()

    def close(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.close()
        for sock in self._sockets:
            sock.close()


class Refused(asyncio.Protocol):
    """One connection too many: closed before it says anything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


def _bound(host: str, port: int) -> list[socket.socket]:
    if not host:
        return [_everywhere(port)]
    # As text it would be encoded by a codec for international names, which takes 0.3 MiB.
    name = host.encode() if host.isascii() else host
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((one[0], one[4]) for one in found):
            sockets.append(socket.create_server(address, family=family, backlog=_BACKLOG))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _everywhere(port: int) -> socket.socket:
    if not socket.has_dualstack_ipv6():
        return socket.create_server(("", port), backlog=_BACKLOG)
    return socket.create_server(
        ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
    )
