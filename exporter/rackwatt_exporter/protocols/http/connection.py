"""Persistent HTTP/1.1 connection to one service, with one request in flight.

aiohttp's client, which serves any number of hosts, costs three times as much for a request. A BMC
has one connection, one request in flight, and a poller that keeps the deadline. TLS is in
`tls_stream`.
"""

import asyncio
import errno
import socket
import ssl
from typing import cast

from rackwatt_exporter.protocols.http.parser import HttpError, RawResponse, ResponseParser
from rackwatt_exporter.protocols.http.tls_stream import TlsStream

REFUSAL_GRACE_S = 1.0  # for the body of a response whose status says that the request failed


class ConnectionClosedError(Exception):
    """The service closed the connection before it started a response."""


class HandshakeCutError(ConnectionClosedError):
    """The service closed the connection during the TLS handshake, without an alert."""


class Connection(asyncio.Protocol):
    """One connection; `alive` until either side closes it."""

    def __init__(self, tls: TlsStream | None) -> None:
        loop = asyncio.get_running_loop()
        self.alive = False
        self._new = loop.create_future
        self._tls = tls
        self._parser = ResponseParser()
        self._transport: asyncio.Transport
        self._ready: asyncio.Future[None] = self._new()
        self._waiting: asyncio.Future[RawResponse] | None = None
        self._grace: asyncio.TimerHandle | None = None

    async def ready(self) -> None:
        """Wait until requests can be sent.

        Raises:
            OSError, ConnectionClosedError: they never can; ssl.SSLError is an OSError.
        """
        try:
            await self._ready
        except asyncio.CancelledError:
            self.abort()
            raise

    async def request(self, data: bytes) -> RawResponse:
        """Send a request and return its response.

        Cancelled, it closes the connection, on which a response may still arrive.

        Raises:
            OSError, HttpError, ConnectionClosedError: there is none.
        """
        if not self.alive:
            raise ConnectionClosedError
        waiting: asyncio.Future[RawResponse] = self._new()
        self._waiting = waiting
        self._transport.write(self._tls.encrypt(data) if self._tls else data)
        try:
            return await waiting
        except asyncio.CancelledError:
            self.abort()
            raise

    def close(self) -> None:
        """Close the connection, TLS by close_notify."""
        if self.alive and self._tls:
            self._transport.write(self._tls.close_notify())
        self._close()

    def abort(self) -> None:
        """Drop the connection."""
        self.alive = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the TLS handshake, if there is TLS."""
        self._transport = cast(asyncio.Transport, transport)
        if self._tls:
            self._transport.write(self._tls.start_handshake())
        else:
            self._start()

    def data_received(self, data: bytes) -> None:
        """Parse received data."""
        try:
            plain = self._decrypt(self._tls, data) if self._tls else data
            response = self._parser.feed(plain) if plain else None
        except (HttpError, ssl.SSLError) as error:
            self._fail(error)
            return
        if response is not None:
            self._settle(response)
        elif self._waiting and self._parser.refused:
            self._limit_refusal()
        elif plain and self._waiting is None:
            self._close()  # there was no request

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request in flight, unless what has arrived is a whole response."""
        self.alive = False
        if self._waiting is None:
            self._fail(HandshakeCutError() if self._tls else error or ConnectionClosedError())
        elif not self._parser.started:
            self._fail(ConnectionClosedError())
        elif error is not None and not self._parser.refused:
            self._fail(error)
        else:
            self._end_response()

    def _end_response(self) -> None:
        """Complete the response with what has arrived of it."""
        try:
            response = self._parser.end()
        except HttpError as error:
            self._fail(error)
            return
        self._settle(response)

    def _limit_refusal(self) -> None:
        """Wait briefly for the rest of an error: some services never send the stated length."""
        if self._grace is None:
            loop = asyncio.get_running_loop()
            self._grace = loop.call_later(REFUSAL_GRACE_S, self._end_response)

    def _end_request(self) -> asyncio.Future[RawResponse] | None:
        """End the request in flight, and return its future."""
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        waiting, self._waiting = self._waiting, None
        return waiting

    def _start(self) -> None:
        self.alive = True
        if not self._ready.done():
            self._ready.set_result(None)

    def _decrypt(self, tls: TlsStream, data: bytes) -> bytes:
        try:
            plain = tls.decrypt(data)
        finally:
            if pending := tls.data_to_send():
                self._transport.write(pending)
        if tls.established and not self._ready.done():
            self._start()
        if tls.closed:
            self._close()
        return plain

    def _settle(self, response: RawResponse) -> None:
        """Return a response to its request; one without a request ends the connection."""
        waiting = self._end_request()
        if waiting is None or not self._parser.keep_alive:
            self._close()
        if waiting and not waiting.done():
            waiting.set_result(response)

    def _fail(self, error: Exception) -> None:
        self._close()
        for each in (self._ready, self._end_request()):
            if each and not each.done():
                each.set_exception(error)
                each.exception()  # retrieved, so that asyncio logs no error if the caller is gone

    def _close(self) -> None:
        self.alive = False
        self._transport.close()


async def connect(host: str, port: int, tls: TlsStream | None) -> Connection:
    """Connect to a service, with TLS where a stream of it is given.

    Raises:
        OSError, ConnectionClosedError: it cannot be reached; ValueError: the host is no valid name.
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
    """Connect to the first address that accepts.

    uvloop does not do this: it takes any network for a link-local address that names none.
    """
    loop = asyncio.get_running_loop()
    failure = OSError(errno.EADDRNOTAVAIL, "no address")
    for family, kind, number, _, address in await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, number)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
