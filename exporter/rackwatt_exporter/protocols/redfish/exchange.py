"""One HTTP request to a Redfish service: bounded, to that service alone, its failure a reason.

Nothing in a response is trusted: not its length, not its redirects, not its JSON.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from ssl import SSLContext, SSLError
from urllib.parse import quote

import msgspec
from yarl import URL

from rackwatt_exporter.protocols.http.connection import (
    Connection,
    ConnectionClosedError,
    HandshakeCutError,
    connect,
)
from rackwatt_exporter.protocols.http.parser import HttpError, RawResponse
from rackwatt_exporter.protocols.http.redaction import quoted, sending
from rackwatt_exporter.protocols.http.tls import TlsParameters
from rackwatt_exporter.protocols.http.tls_errors import (
    ClientCertificate,
    cause_of,
    raise_if_client_refused,
    tls_failed,
)
from rackwatt_exporter.protocols.http.tls_probe import Peer, diagnose, diagnose_silence
from rackwatt_exporter.protocols.http.tls_stream import TlsStream
from rackwatt_exporter.protocols.redfish.errors import to_read_error
from rackwatt_exporter.protocols.redfish.json import Json, get, get_str
from rackwatt_exporter.reading import ReadError, Reason

HEADERS = "Accept: application/json\r\nOData-Version: 4.0\r\nUser-Agent: rackwatt\r\n"
NOT_FOUND = 404
REDIRECTS = 3
_OF_PATHS = "/%:?=&~+!$,;'@()*[]"  # what a path may hold as it is, besides letters and digits
# Dell's message id, and that of DSP0266, for: there is no room for another session.
SESSION_LIMIT = (b"RAC0218", b"SessionLimitExceeded")
NO_SESSION = (b"NoValidSession", b"InvalidSession")

_ROLE = "Give the user a Redfish role with the privilege Login, such as ReadOnly."
_ELSEWHERE = "Set `redfish.scheme` and `redfish.port` to where the redirect leads."
_LOGIN_PAGE = (
    "A web server responds with a redirect to its log-in page. Switch Redfish on in the BMC, and "
    "check `redfish.port`."
)
_SESSIONS = (
    "End sessions in the BMC's web interface, or restart the BMC. `redfish.auth: basic` needs none."
)

_CERTIFICATE = ClientCertificate.UNSUPPORTED

Authorization = Mapping[str, str]


class StatusError(ReadError):
    """The service refused one resource with an HTTP status."""

    def __init__(
        self, reason: Reason, message: str, status: int, remedy: str | None = None
    ) -> None:
        super().__init__(reason, message, remedy=remedy)
        self.status = status


class RedfishResponse(RawResponse):
    """A response of a Redfish service, and its meaning."""

    __slots__ = ()

    @property
    def session_limit(self) -> bool:
        """Whether the service says that it has no room for one more session."""
        return self.status == 503 and any(mark in self.body for mark in SESSION_LIMIT)

    @property
    def json(self) -> Json:
        """Decode the body; None where it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def document(self, path: str) -> dict[str, Json]:
        """Return the requested resource.

        Raises:
            StatusError, ReadError: why this is not one.
        """
        if self.status != 200:
            raise self.refusal(path)
        document = self.json
        if not isinstance(document, dict):
            raise ReadError(Reason.BAD_REPLY, f"{path} gives {self}, not a JSON object")
        if len(document) == 1 and "error" in document:
            raise StatusError(Reason.BAD_REPLY, f"{path} gives {self}", self.status)
        return document

    def refusal(self, what: str) -> ReadError:
        """Return the error of a status that is no success."""
        if self.session_limit:
            message = "the BMC has no session left: end some of them, or restart the BMC"
            return ReadError(Reason.SESSION_LIMIT, message, remedy=_SESSIONS)
        if self.status == 401:
            message = "the service does not accept this user name and password"
            return ReadError(Reason.AUTH_FAILED, message)
        message = f"{what} gives {self}"
        if self.status == 403:
            return StatusError(Reason.PRIVILEGE_INSUFFICIENT, message, self.status, _ROLE)
        remedy = _LOGIN_PAGE if 300 <= self.status < 400 else None
        return StatusError(Reason.BAD_REPLY, message, self.status, remedy)

    @property
    def names_lost_session(self) -> bool:
        """Whether it says that the session of the request does not exist, or no longer."""
        return self.status == 401 or any(mark in self.body for mark in NO_SESSION)

    def __str__(self) -> str:
        """Format the status, the content type, and the service's own message."""
        kind = quoted(self.headers.get("content-type", "no content type"), 60).split(";")[0]
        with suppress(ValueError):
            phrase = f"{self.status} {HTTPStatus(self.status).phrase} ({kind})"
            return ": ".join(filter(None, (phrase, self._words)))
        return f"status {self.status}"

    @property
    def _words(self) -> str:
        """Target of a redirect, or message of a Redfish error; empty where there is none."""
        if 300 <= self.status < 400:
            return f"to {quoted(self.headers.get('location', 'nowhere'))}"
        error = get(self.json, "error")
        detail = ("@Message.ExtendedInfo", 0, "Message")
        return quoted(
            get_str(error, *detail) or get_str(error, "message") or get_str(error, "code")
        )


class Origin:
    """A service's scheme, address and port, and the one connection kept to it.

    `tls` is called for a context at each new connection: its files may have been replaced. `behind`
    is the scheme, address and port of the service that a proxy at `url` forwards to.
    """

    def __init__(
        self,
        url: URL,
        tls: Callable[[], SSLContext],
        server_name: str | None,
        behind: str | None = None,
    ) -> None:
        self._url = url
        self._behind = behind
        self._fields = f"X-Redfish-Url: {behind}\r\n" if behind else ""
        self._tls = tls
        self._server_name = server_name
        self._connection: Connection | None = None
        self._answered = False  # since the last failure

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def request(
        self, method: str, path: str, headers: Authorization, body: bytes | None = None
    ) -> RedfishResponse:
        """Send a request, following a few redirects within the service: a token goes nowhere else.

        A redirect to a log-in page is not followed: it is the response. So is one of a log-in to
        any other page, which would get the password.

        Raises:
            ReadError: tls_failed, name_unresolved, connection_refused, unreachable, bad_reply.
        """
        for _ in range(REDIRECTS + 1):
            response = await self._send(method, path, headers, body)
            location = response.headers.get("location")
            if not 300 <= response.status < 400 or not location:
                return response
            target = self._redirected(path, location)
            if not _may_follow(method, path, target):
                return response
            path = target
        raise ReadError(Reason.BAD_REPLY, f"{quoted(path)} is redirected without end")

    def own_path(self, text: str) -> str:
        """Return the path of a URL of this service; any other text as it is.

        DSP0266 asks for paths in links, and some services write whole URLs.
        """
        if not text.startswith(("http://", "https://")):
            return text
        with suppress(ValueError):
            url = URL(text)
            path = url.raw_path_qs + (f"#{url.raw_fragment}" if url.raw_fragment else "")
            own = [self._url, URL(self._behind)] if self._behind else [self._url]
            if _place(url) in map(_place, own) and not path.startswith("//"):
                return path
        return text

    def _redirected(self, path: str, location: str) -> str:
        try:
            target = self._url.join(URL(location))
            elsewhere = target.origin() != self._url.origin()
        except ValueError:
            raise ReadError(Reason.BAD_REPLY, f"{quoted(path)} is redirected to no URL") from None
        if elsewhere:
            where = f"{quoted(path)} is redirected to {quoted(str(target.origin()))}"
            message = f"{where}: check redfish.scheme and port"
            raise ReadError(Reason.BAD_REPLY, message, remedy=_ELSEWHERE)
        _require_own_path(target.raw_path_qs)
        return target.raw_path_qs

    async def _send(
        self, method: str, path: str, headers: Authorization, body: bytes | None
    ) -> RedfishResponse:
        data = self._encode(method, path, headers, body)
        sending(headers, body)
        answered, self._answered = self._answered, False
        try:
            received = await self._exchange(data, retry=method != "POST")
        except (HttpError, ConnectionClosedError, OSError, ValueError) as error:
            self.close()
            raise await self._failure(error, answered=answered) from None
        response = RedfishResponse(*received)
        raise_if_client_refused(response.status, response.body, _CERTIFICATE)
        self._answered = True
        return response

    async def _exchange(self, data: bytes, retry: bool) -> RawResponse:
        """Send a request; `retry` on a new connection where the service has closed the kept one."""
        kept = self._connection
        if kept is not None and kept.alive:
            try:
                return await kept.request(data)
            except ConnectionClosedError:
                if not retry:
                    raise
        self._connection = connection = await self._connected()
        return await connection.request(data)

    async def _connected(self) -> Connection:
        host, port = self._url.host or "", self._url.port or 0
        if self._url.scheme == "http":
            return await connect(host, port, None)
        context = self._tls()
        try:
            return await connect(host, port, TlsStream(context, self._server_name or host))
        except (SSLError, HandshakeCutError) as error:
            legacy = context.security_level == 0
            raise await diagnose(error, self._peer(legacy=legacy)) from None

    async def _failure(self, error: Exception, *, answered: bool) -> ReadError:
        """Return the error of a request; `answered` says that the one before had a response."""
        if isinstance(error, SSLError):
            return tls_failed(cause_of(error, _CERTIFICATE))
        failure = to_read_error(error)
        if answered or self._url.scheme == "http" or not isinstance(error, ConnectionClosedError):
            return failure
        return await diagnose_silence(failure, self._peer(legacy=self._tls().security_level == 0))

    def _peer(self, *, legacy: bool = False) -> Peer:
        tls = TlsParameters(server_name=self._server_name, legacy=legacy)
        return Peer(self._url.host or "", self._url.port or 0, _CERTIFICATE, tls)

    def _encode(self, method: str, path: str, headers: Authorization, body: bytes | None) -> bytes:
        """Encode a request. It goes to this service, whatever the path is.

        Raises:
            ReadError: bad_reply for a path that other clients would read as another host.
        """
        _require_own_path(path)
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        head = (
            f"{method} {quote(path, safe=_OF_PATHS)} HTTP/1.1\r\n"
            f"Host: {self._url.host_port_subcomponent}\r\n"
            f"{HEADERS}{self._fields}{fields}{length}\r\n"
        )
        return head.encode("utf-8", "surrogateescape") + (body or b"")


def _place(url: URL) -> tuple[str, str | None, int | None]:
    """Return whose URL it is, with the port whether that is written or not."""
    return url.scheme, url.host, url.port


def _require_own_path(path: str) -> None:
    """Require a path that no client would read as another host.

    Raises:
        ReadError: bad_reply.
    """
    if not path.startswith("/") or path.startswith("//"):
        raise ReadError(Reason.BAD_REPLY, f"{quoted(path)!r} is no path of this service")


def _may_follow(method: str, path: str, target: str) -> bool:
    """Return whether a redirect leads to the resource itself; else it is a refusal."""
    if method == "GET":
        return _is_login(path) or not _is_login(target)
    return target == f"{path}/" and not path.endswith("/")


def _is_login(path: str) -> bool:
    """Return whether a path is that of a login page, or of the service for sessions."""
    lowered = path.lower()
    return "/sessionservice" in lowered or not lowered.startswith("/redfish")
