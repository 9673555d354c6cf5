"""Listening sockets that remain open while their TLS context is replaced.

Python cannot change every part of a TLS context in use. A new context therefore gets a server of
its own on the same socket before the old server is closed: no connection is refused or dropped.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

_BACKLOG = 128


class Listener:
    """A listener on an address; an empty `host` is every address of both families."""

    def __init__(self, host: str, port: int, handshake_limit_s: float) -> None:
        """Bind the sockets.

        Raises:
            OSError: the address is not of this host, or is in use.
        """
        self._sockets = _bind(host, port)
        self._handshake_limit_s = handshake_limit_s
        self._servers: list[asyncio.Server] = []

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """The addresses of the sockets."""
        return [sock.getsockname()[:2] for sock in self._sockets]

    async def serve(
        self, protocol: Callable[[], asyncio.BaseProtocol], tls: "ssl.SSLContext | None"
    ) -> None:
        """Serve new connections with this protocol and context; existing ones continue."""
        loop, previous = asyncio.get_running_loop(), self._servers
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
        for server in previous:
            server.close()

    def close(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.close()
        for sock in self._sockets:
            sock.close()


class ConnectionRejected(asyncio.Protocol):
    """Protocol that closes a connection above the limit."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close the connection."""
        transport.close()


def _bind(host: str, port: int) -> list[socket.socket]:
    if not host:
        return [_bind_all(port)]
    # As text it would be encoded by a codec for international names, which takes 0.3 MiB.
    name = host.encode() if host.isascii() else host
    resolved = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((info[0], info[4]) for info in resolved):
            sockets.append(socket.create_server(address, family=family, backlog=_BACKLOG))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _bind_all(port: int) -> socket.socket:
    if not socket.has_dualstack_ipv6():
        return socket.create_server(("", port), backlog=_BACKLOG)
    return socket.create_server(
        ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
    )
