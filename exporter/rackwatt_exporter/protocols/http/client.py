"""HTTP client of one service that serves JSON, over httpx; its failures are reasons.

The connection and its TLS context are recreated after each failure, so that a rotated certificate
counts. Proxies of the environment are ignored: a token goes nowhere else.
"""

import errno
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import NamedTuple

import httpx

from rackwatt_exporter.protocols.http.redaction import quoted, sending
from rackwatt_exporter.protocols.http.tls import TlsParameters, tls_context
from rackwatt_exporter.protocols.http.tls_errors import (
    ClientCertificate,
    cause_of,
    raise_if_client_refused,
    tls_failed,
)
from rackwatt_exporter.protocols.http.tls_probe import Peer, diagnose, diagnose_silence
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.received import count_received

BODY_LIMIT = 64 * 1024 * 1024
LINE_LIMIT = 16 * 1024 * 1024
REFUSAL_LIMIT = 1024 * 1024
_CLOSED = (errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED)
_UNIX, _HTTPS = "unix:", "https:"
_WITHOUT_RESPONSE = (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError)
_REASONS = {
    errno.ECONNREFUSED: Reason.CONNECTION_REFUSED,
    errno.ECONNRESET: Reason.CONNECTION_REFUSED,
    errno.ETIMEDOUT: Reason.TIMEOUT,
    errno.EACCES: Reason.PERMISSION_DENIED,
}


class HttpResponse(NamedTuple):
    """Status, body, time from request to end of body, and headers with names in lower case."""

    status: int
    body: bytes
    took_s: float
    headers: Mapping[str, str] = MappingProxyType({})


class HttpClient:
    """Client of a service at a URL, which may have a path; or at a Unix socket, `unix:/path`.

    `tls` is called for each new connection: the files of the parameters may have been replaced.
    Documents have `tls.clientSecretRef` for each such service.
    """

    def __init__(self, url: str, tls: Callable[[], TlsParameters], timeout_s: float) -> None:
        self._socket = url.removeprefix(_UNIX) if url.startswith(_UNIX) else None
        self._url = "http://localhost" if self._socket else url
        self._tls = tls
        self._parameters = TlsParameters()
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None
        self._answered = False  # since the last failure

    async def get(
        self, path: str, headers: Mapping[str, str], query: Mapping[str, int | str] | None = None
    ) -> HttpResponse:
        """Send a GET request; redirects are not followed.

        Raises:
            ReadError: name_unresolved, connection_refused, unreachable, timeout, tls_failed,
                invalid_entry, credentials_missing; bad_reply for what is not HTTP or has no end.
        """
        return await self._whole("GET", path, headers, query=query)

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send a POST request with a body; otherwise as `get`."""
        return await self._whole("POST", path, headers, body=body)

    @asynccontextmanager
    async def lines(
        self,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, int | str],
        silence_s: float,
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Send a GET request whose response has no end; yield its status and lines as they arrive.

        Raises:
            ReadError: as `get`; timeout after a silence of `silence_s`.
        """
        async with self._response("GET", path, headers, query, silence_s=silence_s) as response:
            yield response.status_code, _lines(response)

    @asynccontextmanager
    async def chunks(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[HttpResponse, AsyncIterator[bytes]]]:
        """Send a GET request; yield its response without the body, and the body as it arrives.

        Raises:
            ReadError: as `get`; a body may have any size.
        """
        sent_s = time.monotonic()
        async with self._response("GET", path, headers, None) as response:
            took_s, found = time.monotonic() - sent_s, dict(response.headers)
            yield HttpResponse(response.status_code, b"", took_s, found), _received(response)

    async def _whole(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, int | str] | None = None,
        body: bytes | None = None,
    ) -> HttpResponse:
        """Send a request and read the whole body of its response."""
        sent_s = time.monotonic()
        async with self._response(method, path, headers, query, body) as response:
            status, received = response.status_code, await _bounded(response)
            took_s = time.monotonic() - sent_s
            raise_if_client_refused(status, received, self._certificate)
            return HttpResponse(status, received, took_s, dict(response.headers))

    @asynccontextmanager
    async def _response(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, int | str] | None,
        body: bytes | None = None,
        silence_s: float | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Send a request; the body is read within the block, whose failures are reasons."""
        client = self._connected()
        sending(headers, body)
        try:
            async with client.stream(
                method,
                self._url + path,
                headers=headers,
                params=query,
                content=body,
                extensions=self._extensions,
                timeout=httpx.Timeout(self._timeout_s, read=silence_s or self._timeout_s),
            ) as response:
                self._answered = True
                yield response
        except httpx.InvalidURL as error:
            raise ReadError(Reason.INVALID_ENTRY, f"{self._url}: {error}") from None
        except (
            httpx.HTTPError,
            ssl.SSLError,
        ) as error:  # httpx does not wrap an alert after the handshake
            await self.close()
            raise await self._failure(error) from None

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            verify: ssl.SSLContext | bool = False
            if self._url.startswith(_HTTPS):
                self._parameters = self._tls()
                verify = tls_context(self._parameters)
            transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, uds=self._socket)
            self._client = httpx.AsyncClient(
                transport=transport, timeout=self._timeout_s, trust_env=False
            )
        return self._client

    async def _failure(self, error: httpx.HTTPError | ssl.SSLError) -> ReadError:
        cause, url = _root(error), httpx.URL(self._url)
        answered, self._answered = self._answered, False
        peer = Peer(url.host, url.port or 443, self._certificate, self._parameters)
        if isinstance(error, httpx.TimeoutException):
            return to_read_error(error)
        if isinstance(cause, ssl.SSLError):
            if isinstance(error, httpx.ConnectError):
                return await diagnose(cause, peer)
            return tls_failed(cause_of(cause, self._certificate))
        failure = to_read_error(error)
        if self._url.startswith(_HTTPS) and not answered and isinstance(error, _WITHOUT_RESPONSE):
            return await diagnose_silence(failure, peer)
        return failure

    @property
    def _certificate(self) -> ClientCertificate:
        given = self._parameters.certificate is not None
        return ClientCertificate.GIVEN if given else ClientCertificate.NOT_GIVEN

    @property
    def _extensions(self) -> dict[str, str]:
        name = self._parameters.server_name
        return {"sni_hostname": name} if name else {}


async def _bounded(response: httpx.Response) -> bytes:
    """Read a body up to BODY_LIMIT."""
    body = bytearray()
    async for chunk in _received(response):
        body += chunk
        if len(body) > BODY_LIMIT:
            message = f"{response.url.path} is larger than {BODY_LIMIT // 2**20} MiB"
            raise ReadError(Reason.BAD_REPLY, message)
    return bytes(body)


async def _received(response: httpx.Response) -> AsyncIterator[bytes]:
    """Go through the parts of a body as they arrive, and count them.

    A redirect or an error is one part, of which as much counts as arrives.
    """
    if response.status_code >= 300:
        yield await _refused(response)
        return
    async for chunk in response.aiter_bytes():
        count_received(len(chunk))
        yield chunk


async def _refused(response: httpx.Response) -> bytes:
    """Read the body of a redirect or an error: as much of it as arrives, and as is of use."""
    body = bytearray()
    with suppress(httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError):
        async for chunk in response.aiter_bytes():
            count_received(len(chunk))
            body += chunk
            if len(body) > REFUSAL_LIMIT:
                break
    return bytes(body[:REFUSAL_LIMIT])


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """Go through the lines of a body, each of at most LINE_LIMIT; what follows the last is one."""
    rest = bytearray()
    async for chunk in _received(response):
        first, *others = chunk.split(b"\n")
        rest += first
        for other in others:
            yield bytes(rest)
            rest = bytearray(other)
        if len(rest) > LINE_LIMIT:
            message = f"a line of {response.url.path} is larger than {LINE_LIMIT // 2**20} MiB"
            raise ReadError(Reason.BAD_REPLY, message)
    if rest:
        yield bytes(rest)


def to_read_error(error: httpx.HTTPError | ssl.SSLError) -> ReadError:
    """Map an exception of httpx, other than one of TLS, to a ReadError."""
    if isinstance(error, httpx.TimeoutException):
        in_handshake = isinstance(_root(error), ssl.SSLWantReadError)
        what = "the TLS handshake did not end in time" if in_handshake else "no response in time"
        return ReadError(Reason.TIMEOUT, what)
    cause = _root(error)
    if isinstance(cause, socket.gaierror):
        return ReadError(Reason.NAME_UNRESOLVED, "the URL's host is a name that does not resolve")
    if isinstance(cause, OSError) and isinstance(error, httpx.NetworkError):
        words = cause.strerror or type(cause).__name__
        if cause.errno in _CLOSED and not isinstance(error, httpx.ConnectError):
            return ReadError(Reason.BAD_REPLY, f"the service closed the connection: {words}")
        reason = _REASONS.get(cause.errno or 0, Reason.UNREACHABLE)
        return ReadError(reason, f"cannot connect: {words}")
    words = quoted(str(error)) or type(error).__name__
    return ReadError(Reason.BAD_REPLY, f"the response is not valid HTTP: {words}")


def _root(error: BaseException) -> BaseException:
    """Return the innermost cause of an exception of httpx, httpcore or anyio."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            cause: BaseException | None = error.exceptions[0]
        else:
            cause = error.__cause__ or error.__context__
        if cause is None:
            return error
        error = cause
