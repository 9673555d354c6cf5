"""One HTTP exchange with a Redfish service: bounded, within it, with a reason when it fails.

A BMC's answer is never taken on trust: not its length, not where it redirects to, not its JSON.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from ssl import SSLContext
from typing import NamedTuple
from weakref import WeakSet

import aiohttp
import msgspec
from yarl import URL

from rackwatt_exporter.protocols.redfish_failure import failure
from rackwatt_exporter.protocols.redfish_json import Json
from rackwatt_exporter.reading import ReadError, Reason

KEEP_CONNECTION_S = 3600.0
LEAVE_TURN_S, LEAVE_TURNS = 0.005, 100
HEADERS = {"Accept": "application/json", "OData-Version": "4.0", "User-Agent": "rackwatt"}
BODY_LIMIT = 4 * 1024 * 1024
REDIRECTS = 3
# Dell's, and DSP0266's own, for: there are as many sessions as there can be.
SESSION_LIMIT = (b"RAC0218", b"SessionLimitExceeded")

Authorization = Mapping[str, str]


class StatusError(ReadError):
    """The service refused one resource with an HTTP status."""

    def __init__(self, reason: Reason, message: str, status: int) -> None:
        super().__init__(reason, message)
        self.status = status


class Answer(NamedTuple):
    """An HTTP response, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def session_limit(self) -> bool:
        """Tell whether the service says that it has no room for one more session."""
        return self.status == 503 and any(mark in self.body for mark in SESSION_LIMIT)

    @property
    def json(self) -> Json:
        """Decode the body; None where it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def document(self, path: str) -> dict[str, Json]:
        """Give the resource that was asked for.

        Raises:
            StatusError, ReadError: why this is not one.
        """
        if self.status != 200:
            raise self.refusal(path)
        if isinstance(document := self.json, dict):
            return document
        raise ReadError(Reason.BAD_REPLY, f"{path} gives {self}, not a JSON object")

    def refusal(self, what: str) -> ReadError:
        """Tell what a status that is no success means."""
        if self.session_limit:
            told = "the BMC has no session left: end some of them, or restart the BMC"
            return ReadError(Reason.SESSION_LIMIT, told)
        if self.status == 401:
            told = "the service does not accept this user name and password"
            return ReadError(Reason.AUTH_FAILED, told)
        reason = Reason.PRIVILEGE_INSUFFICIENT if self.status == 403 else Reason.BAD_REPLY
        return StatusError(reason, f"{what} gives {self}", self.status)

    def __str__(self) -> str:
        with suppress(ValueError):
            kind = self.headers.get("Content-Type", "no content type").split(";")[0][:60]
            return f"{self.status} {HTTPStatus(self.status).phrase} ({kind})"
        return f"status {self.status}"


class Client:
    """The connections to all services: kept, one for each, and gone when this is closed."""

    def __init__(self) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=KEEP_CONNECTION_S, socket_factory=self._socket
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=HEADERS,
            # The poller has the deadline, and cancels: a timer of ours would cost on each reading.
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def close(self) -> None:
        """Close all connections, and wait a moment for those that TLS is still taking leave of."""
        await self.session.close()
        for _ in range(LEAVE_TURNS):
            if all(each.fileno() < 0 for each in self._sockets):
                return
            await asyncio.sleep(LEAVE_TURN_S)

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        made = socket.socket(*address[:3])
        self._sockets.add(made)
        return made


class Origin:
    """A service's scheme, address and port, and the connection kept to it."""

    def __init__(
        self,
        client: Client,
        url: URL,
        tls: Callable[[], SSLContext],
        server_name: str | None,
    ) -> None:
        self._http = client.session
        self._url = url
        self._read_tls = tls
        self._tls: SSLContext | None = None
        self._server_name = server_name

    async def ask(
        self, method: str, path: str, headers: Authorization, body: bytes | None = None
    ) -> Answer:
        """Ask once, following a few redirects within the service: a token goes nowhere else.

        Raises:
            ReadError: tls_failed, name_unresolved, refused, unreachable, bad_reply.
        """
        for _ in range(REDIRECTS + 1):
            answer = await self._send(method, path, headers, body)
            if not 300 <= answer.status < 400:
                return answer
            path = self._redirected(path, answer.headers.get("Location", ""))
        raise ReadError(Reason.BAD_REPLY, f"{path} is redirected without end")

    def _redirected(self, path: str, location: str) -> str:
        try:
            target = self._url.join(URL(location))
            elsewhere = target.origin() != self._url.origin()
        except ValueError:
            raise ReadError(Reason.BAD_REPLY, f"{path} is redirected to no URL") from None
        if elsewhere:
            told = f"{path} is redirected to {target.origin()}: check redfish.scheme and port"
            raise ReadError(Reason.BAD_REPLY, told)
        return target.raw_path_qs

    def _within(self, path: str) -> URL:
        """Give the URL of a path, as the service itself wrote it: `//elsewhere/` is none of ours.

        Raises:
            ReadError: bad_reply, before a token or password has been sent anywhere else.
        """
        with suppress(ValueError):
            url = self._url.join(URL(path, encoded=True))
            if url.raw_authority == self._url.raw_authority and url.scheme == self._url.scheme:
                return url
        raise ReadError(Reason.BAD_REPLY, f"{path[:200]!r} is no path of this service")

    async def _send(
        self, method: str, path: str, headers: Authorization, body: bytes | None
    ) -> Answer:
        url = self._within(path)
        if self._tls is None:
            self._tls = self._read_tls()
        try:
            async with self._http.request(
                method,
                url,
                headers=headers,
                data=body,
                ssl=self._tls,
                server_hostname=self._server_name,
                allow_redirects=False,
            ) as response:
                return Answer(response.status, response.headers, await _bounded(response))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._tls = None  # its files may have been replaced
            raise failure(error) from None


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            told = f"{response.url.path} is larger than {BODY_LIMIT} bytes"
            raise ReadError(Reason.BAD_REPLY, told)
    return bytes(body)
