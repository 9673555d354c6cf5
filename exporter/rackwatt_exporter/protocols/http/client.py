"""One HTTP service that answers with JSON or nothing: asked through httpx, its failures as reasons.

One client for one service; it and its TLS context are made anew after each failure, so that a
rotated certificate counts. Proxies of the environment are passed by: a token goes nowhere else.
"""

import errno
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import httpx

from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.http.tls import TlsParameters, tls_context
from rackwatt_exporter.protocols.http.tls_errors import cause_of, tls_failed
from rackwatt_exporter.protocols.http.tls_probe import explained
from rackwatt_exporter.reading import ReadError, Reason

BODY_LIMIT = 64 * 1024 * 1024
_UNIX = "unix:"
_REASONS = {
    errno.ECONNREFUSED: Reason.CONNECTION_REFUSED,
    errno.ECONNRESET: Reason.CONNECTION_REFUSED,
    errno.ETIMEDOUT: Reason.TIMEOUT,
    errno.EACCES: Reason.PERMISSION_DENIED,
}


class HttpResponse(NamedTuple):
    """A status, the body that came with it, the time it all took, and headers in lower case."""

    status: int
    body: bytes
    took_s: float
    headers: Mapping[str, str] = MappingProxyType({})


class HttpClient:
    """A service at a URL, which may have a path of its own; or at a Unix socket, `unix:/path`.

    `tls` is called for each new connection: the files of the parameters may have been replaced.
    """

    def __init__(self, url: str, tls: Callable[[], TlsParameters], timeout_s: float) -> None:
        self._socket = url.removeprefix(_UNIX) if url.startswith(_UNIX) else None
        self._url = "http://localhost" if self._socket else url
        self._tls = tls
        self._parameters = TlsParameters()
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    async def get(
        self, path: str, headers: Mapping[str, str], query: Mapping[str, int] | None = None
    ) -> HttpResponse:
        """Get one path; redirects are not followed.

        Raises:
            ReadError: name_unresolved, connection_refused, unreachable, timeout, tls_failed,
                invalid_entry, credentials_missing; bad_reply for what is not HTTP or has no end.
        """
        client = self._connected()
        asked_s = time.monotonic()
        try:
            async with client.stream(
                "GET", self._url + path, headers=headers, params=query, extensions=self._extensions
            ) as response:
                body = await _bounded(response)
                took_s = time.monotonic() - asked_s
                return HttpResponse(response.status_code, body, took_s, dict(response.headers))
        except httpx.InvalidURL as error:
            raise ReadError(Reason.INVALID_ENTRY, f"{self._url}: {error}") from None
        except (httpx.HTTPError, ssl.SSLError) as error:  # an alert after the handshake comes bare
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
            if self._url.startswith("https:"):
                self._parameters = self._tls()
                verify = tls_context(self._parameters)
            transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, uds=self._socket)
            self._client = httpx.AsyncClient(
                transport=transport, timeout=self._timeout_s, trust_env=False
            )
        return self._client

    async def _failure(self, error: httpx.HTTPError | ssl.SSLError) -> ReadError:
        cause, url = _root(error), httpx.URL(self._url)
        if not isinstance(error, httpx.ConnectError) or not isinstance(cause, ssl.SSLError):
            return failure(error)
        return await explained(
            cause_of(cause),
            legacy=self._parameters.legacy,
            host=url.host,
            port=url.port or 443,
            server_name=self._parameters.server_name or url.host,
        )

    @property
    def _extensions(self) -> dict[str, str]:
        name = self._parameters.server_name
        return {"sni_hostname": name} if name else {}


async def _bounded(response: httpx.Response) -> bytes:
    """Read a body; of a redirect or an error, whose status says enough, what comes of it."""
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > BODY_LIMIT:
                told = f"{response.url.path} is larger than {BODY_LIMIT // 2**20} MiB"
                raise ReadError(Reason.BAD_REPLY, told)
    except (httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError):
        if response.status_code < 300:
            raise
    return bytes(body)


def failure(error: httpx.HTTPError | ssl.SSLError) -> ReadError:
    """Turn what httpx raises into a ReadError."""
    if isinstance(error, httpx.TimeoutException):
        return ReadError(Reason.TIMEOUT, "no answer in time")
    cause = _root(error)
    if isinstance(cause, ssl.SSLError):
        return tls_failed(cause_of(cause))
    if isinstance(cause, socket.gaierror):
        return ReadError(Reason.NAME_UNRESOLVED, "the URL's host is a name that does not resolve")
    if isinstance(cause, OSError) and isinstance(error, httpx.NetworkError):
        reason = _REASONS.get(cause.errno or 0, Reason.UNREACHABLE)
        return ReadError(reason, f"cannot connect: {cause.strerror or type(cause).__name__}")
    told = printable(str(error)) or type(error).__name__
    return ReadError(Reason.BAD_REPLY, f"the answer is not HTTP as it should be: {told}")


def _root(error: BaseException) -> BaseException:
    """Find what lies under the wrappings of httpx, httpcore and anyio."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            under: BaseException | None = error.exceptions[0]
        else:
            under = error.__cause__ or error.__context__
        if under is None:
            return error
        error = under
