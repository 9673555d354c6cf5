"""Where connections to a fleet of simulated services come in: one socket for all their addresses.

Connections are taken by hand, because it is by the address they were made to that a service is
dead, or shows a certificate that is none. What is connected to elsewhere than on loopback, or at an
address of a service, is taken and never answered.
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
    """What a connection meets: silence, or TLS with a certificate (its name; `good` is the own)."""

    __slots__ = ("certificate", "silent")

    def __init__(self, certificate: str = "good", silent: bool = False) -> None:
        self.certificate = certificate
        self.silent = silent


class TlsListener:
    """A listening socket, and TLS for whoever comes through.

    `place` is the addresses of the services, and their port. `welcome` is asked for each address
    that somebody connects to; the certificates other than the good one stand beside it, as
    `expired.crt` and the like, of the same key.
    """

    def __init__(
        self,
        place: tuple[Collection[str], int],
        files: tuple[Path, Path],
        protocol: Callable[[], asyncio.Protocol],
        welcome: Callable[[str], ConnectionPolicy],
    ) -> None:
        self._addresses, self._port = place
        self._files = files
        self._protocol = protocol
        self._welcome = welcome
        self._listening: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._context = functools.cache(self._new_context)

    def open(self) -> None:
        """Listen, and let in whoever comes from now on.

        Raises:
            OSError: the port is taken, or the certificate cannot be read.
        """
        self._context("good")
        reuse = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening = open_socket(socket.SOCK_STREAM, self._addresses, self._port, reuse)
        self._listening.listen(BACKLOG)
        self._begin(self._admit_all(self._listening))

    async def close(self) -> None:
        """Let nobody in any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()

    def _begin(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _admit_all(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = await asyncio.get_running_loop().sock_accept(listening)
            except OSError as error:  # out of descriptors, for the most part
                log.warning("a connection could not be taken: %s", error.strerror)
                await asyncio.sleep(_PAUSE_S)
                continue
            connection.setblocking(False)
            self._begin(self._admit(connection))

    async def _admit(self, connection: socket.socket) -> None:
        address = connection.getsockname()[0]
        welcome = self._welcome(address)
        if welcome.silent or not (address.startswith(LOOPBACK) or address in self._addresses):
            await _listen_silently(connection)
            return
        context = self._context(welcome.certificate)
        # A client that does not like the certificate hangs up.
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


async def _listen_silently(connection: socket.socket) -> None:
    """Take what is said and say nothing, until the other side gives up."""
    with connection, suppress(OSError):
        while await asyncio.get_running_loop().sock_recv(connection, 4096):
            pass
