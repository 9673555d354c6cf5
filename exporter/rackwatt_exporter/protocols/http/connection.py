"""A connection to one HTTP service, kept, and asked one thing at a time.

aiohttp's client, which serves any number of hosts, costs three times as much for a request; a BMC
has one connection, one request in flight, and a poller that keeps the time. TLS is `tls_stream`.
"""

import asyncio
import errno
import socket
import ssl
from typing import cast

from rackwatt_exporter.protocols.http.parser import HttpAnswer, HttpError, ResponseParser
from rackwatt_exporter.protocols.http.tls_stream import TlsStream

REFUSAL_GRACE_S = 1.0  # for the body of an answer whose status alone says that it failed


class ConnectionClosedError(Exception):
    """The service hung up before it began to answer."""


class HandshakeCutError(ConnectionClosedError):
    """The service hung up before TLS was set up, without an alert that says why."""


class Connection(asyncio.Protocol):
    """One connection; `alive` until either side hangs up."""

    def __init__(self, tls: TlsStream | None) -> None:
        loop = asyncio.get_running_loop()
        self.alive = False
        self._new = loop.create_future
        self._tls = tls
        self._answers = ResponseParser()
        self._transport: asyncio.Transport
        self._ready: asyncio.Future[None] = self._new()
        self._waiting: asyncio.Future[HttpAnswer] | None = None
        self._grace: asyncio.TimerHandle | None = None

    async def ready(self) -> None:
        """Wait until it can be asked.

        Raises:
            OSError, HungUpError: why it never can; ssl.SSLError is among them.
        """
        try:
            await self._ready
        except asyncio.CancelledError:
            self.abort()
            raise

    async def exchange(self, request: bytes) -> HttpAnswer:
        """Send a request, and give the answer to it. Cancelled, it hangs up: an answer may follow.

        Raises:
            OSError, HttpError, HungUpError: there is none.
        """
        if not self.alive:
            raise ConnectionClosedError
        waiting: asyncio.Future[HttpAnswer] = self._new()
        self._waiting = waiting
        self._transport.write(self._tls.enciphered(request) if self._tls else request)
        try:
            return await waiting
        except asyncio.CancelledError:
            self.abort()
            raise

    def close(self) -> None:
        """Hang up politely."""
        if self.alive and self._tls:
            self._transport.write(self._tls.farewell())
        self._hang_up()

    def abort(self) -> None:
        """Hang up at once."""
        self.alive = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with TLS, where it is spoken."""
        self._transport = cast(asyncio.Transport, transport)
        if self._tls:
            self._transport.write(self._tls.hello())
        else:
            self._begin()

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        try:
            plain = self._deciphered(self._tls, data) if self._tls else data
            answer = self._answers.take(plain) if plain else None
        except (HttpError, ssl.SSLError) as error:
            self._fail(error)
            return
        if answer is not None:
            self._settle(answer)
        elif self._waiting and self._answers.refused:
            self._limit_refusal()
        elif plain and self._waiting is None:
            self._hang_up()  # nobody has asked

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits that nothing will come; what has come may be all there is."""
        self.alive = False
        if self._waiting is None:
            self._fail(HandshakeCutError() if self._tls else error or ConnectionClosedError())
        elif not self._answers.begun:
            self._fail(ConnectionClosedError())
        elif error is not None and not self._answers.refused:
            self._fail(error)
        else:
            self._end()

    def _end(self) -> None:
        """Settle for what has come of an answer."""
        try:
            answer = self._answers.end()
        except HttpError as error:
            self._fail(error)
            return
        self._settle(answer)

    def _limit_refusal(self) -> None:
        """Wait only briefly for the rest of a refusal: some services never send what they said."""
        if self._grace is None:
            loop = asyncio.get_running_loop()
            self._grace = loop.call_later(REFUSAL_GRACE_S, self._end)

    def _over(self) -> asyncio.Future[HttpAnswer] | None:
        """End an exchange, and return who waits for it."""
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        waiting, self._waiting = self._waiting, None
        return waiting

    def _begin(self) -> None:
        self.alive = True
        if not self._ready.done():
            self._ready.set_result(None)

    def _deciphered(self, tls: TlsStream, data: bytes) -> bytes:
        try:
            plain = tls.deciphered(data)
        finally:
            if said := tls.said():
                self._transport.write(said)
        if tls.established and not self._ready.done():
            self._begin()
        if tls.closed:
            self._hang_up()
        return plain

    def _settle(self, answer: HttpAnswer) -> None:
        """Hand an answer over; one that nobody has asked for ends the conversation."""
        waiting = self._over()
        if waiting is None or not self._answers.keeps:
            self._hang_up()
        if waiting and not waiting.done():
            waiting.set_result(answer)

    def _fail(self, error: Exception) -> None:
        self._hang_up()
        for each in (self._ready, self._over()):
            if each and not each.done():
                each.set_exception(error)
                each.exception()  # whoever waited may be gone: no log shall complain

    def _hang_up(self) -> None:
        self.alive = False
        self._transport.close()


async def connect(host: str, port: int, tls: TlsStream | None) -> Connection:
    """Connect to a service, with TLS where a stream of it is given.

    Raises:
        OSError, HungUpError: it cannot be reached; ValueError: the host cannot be a name.
    """
    sock = await _connected_socket(host, port)
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(lambda: Connection(tls), sock=sock)
    except BaseException:
        sock.close()
        raise
    await connection.ready()
    return connection


async def _connected_socket(host: str, port: int) -> socket.socket:
    """Connect to the first address that answers.

    Not left to uvloop: it takes any network for a link-local address that names none.
    """
    loop = asyncio.get_running_loop()
    refused = OSError(errno.EADDRNOTAVAIL, "no address")
    for family, kind, number, _, address in await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, number)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            refused = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise refused
