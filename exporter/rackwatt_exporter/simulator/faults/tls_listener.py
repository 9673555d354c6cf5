"""TLS listener of a fleet of simulated services: one socket for all their addresses.

It accepts connections itself, because the destination address decides whether a service is dead, or
which certificate it uses. Connections to an address outside loopback that is not a service's are
accepted and get no response.
"""

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from rackwatt_exporter.simulator.sockets import LOOPBACK, open_socket

log = logging.getLogger(__name__)

BACKLOG = 4096
_PAUSE_S = 0.1


class ConnectionPolicy:
    """Handling of a connection: silence, or TLS with a certificate by its name."""

    __slots__ = ("certificate", "silent")

    def __init__(self, certificate: str = "good", silent: bool = False) -> None:
        self.certificate = certificate
        self.silent = silent


class TlsListener:
    """A listening socket with TLS.

    `endpoint` is the addresses of the services, and their port. `policy` is called with the
    destination address of each connection. The certificates other than `good` are files beside it,
    such as `expired.crt`, with the same key.
    """

    def __init__(
        self,
        endpoint: tuple[Collection[str], int],
        files: tuple[Path, Path],
        protocol: Callable[[], asyncio.Protocol],
        policy: Callable[[str], ConnectionPolicy],
    ) -> None:
        self._addresses, self._port = endpoint
        self._files = files
        self._protocol = protocol
        self._policy = policy
        self._listening: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._context = functools.cache(self._new_context)

    def open(self) -> None:
        """Listen and accept connections.

        Raises:
            OSError: the port is taken, or the certificate cannot be read.
        """
        self._context("good")
        reuse = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening = open_socket(socket.SOCK_STREAM, self._addresses, self._port, reuse)
        self._listening.listen(BACKLOG)
        self._start(self._accept_all(self._listening))

    async def close(self) -> None:
        """Close the listener and all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()

    def _start(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept_all(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = await asyncio.get_running_loop().sock_accept(listening)
            except OSError as error:  # mostly: out of descriptors
                log.warning("connection not accepted error=%s", error.strerror)
                await asyncio.sleep(_PAUSE_S)
                continue
            connection.setblocking(False)
            self._start(self._accept(connection))

    async def _accept(self, connection: socket.socket) -> None:
        address = connection.getsockname()[0]
        policy = self._policy(address)
        if policy.silent or not (address.startswith(LOOPBACK) or address in self._addresses):
            await _read_silently(connection)
            return
        context = self._context(policy.certificate)
        # A client that rejects the certificate closes the connection.
        with suppress(OSError, ssl.SSLError):
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=context
            )

    def _new_context(self, name: str) -> ssl.SSLContext:
        certificate, key = self._files
        if name != "good":
            certificate = certificate.with_name(f"{name}.crt")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        return context


async def _read_silently(connection: socket.socket) -> None:
    """Read and never respond, until the client closes the connection."""
    with connection, suppress(OSError):
        while await asyncio.get_running_loop().sock_recv(connection, 4096):
            pass
