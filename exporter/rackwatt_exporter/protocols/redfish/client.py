"""Redfish client of one service (DSP0266): a session, one request at a time, log-out.

BMCs are small: the client keeps one connection and has one request in flight, and all nodes behind
one BMC share one session. The client uses Basic authentication where the service has no room for a
session, or where its sessions do not last; once an hour it tries a session again.
"""

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import inf
from time import monotonic as now_s
from typing import NamedTuple

import msgspec
from yarl import URL

from rackwatt_exporter.protocols.redfish.exchange import (
    NOT_FOUND,
    Authorization,
    Origin,
    RedfishResponse,
)
from rackwatt_exporter.protocols.redfish.json import Json, get, link
from rackwatt_exporter.protocols.redfish.token import (
    NO_RESPONSE,
    RECONSIDERED_AFTER_S,
    BackOff,
    SessionLifetimes,
    TokenDoubt,
)
from rackwatt_exporter.reading import ReadError, Reason

ROOT = "/redfish/v1/"
SESSIONS = "/redfish/v1/SessionService/Sessions"
OLD_SESSIONS = "/redfish/v1/Sessions"  # iDRAC 8 has its sessions here
NO_SESSIONS_HERE = (NOT_FOUND, 405, 501)

_NOT_REDFISH = (
    "Switch Redfish on in the BMC, and check `redfish.port`. Older BMCs have none: read them by "
    "`method: ipmi`."
)

_HEADER_REMOVED = (
    "Check that `redfish.port` is the BMC's own, not a proxy's that removes headers. "
    "`redfish.auth: basic` needs no session."
)

_ID = "@odata.id"  # which DSP0266 requires of each resource

LOGIN_TIMEOUT_S = 30.0
# Slow BMCs take a second to respond, and may first finish the request of a cancelled reading.
CLOSE_TIMEOUT_S = 3.0


class LoginError(ReadError):
    """The service gives no authorization now, so none of its resources can be read."""


class _Refusal(NamedTuple):
    """A response that is not the resource, or none: NO_RESPONSE is then its status."""

    error: ReadError
    status: int = NO_RESPONSE
    names_lost_session: bool = False


class RedfishAccount(NamedTuple):
    """Credentials of a log-in."""

    username: str
    password: str


class RedfishClient:
    """Client of one BMC, shared by all nodes behind it; `account` is called at each log-in."""

    def __init__(
        self, origin: Origin, account: Callable[[], RedfishAccount], basic: bool = False
    ) -> None:
        self._origin = origin
        self._account = account
        self._basic = basic
        self._lock = asyncio.Lock()
        self._root: dict[str, Json] | None = None
        self._authorization: Authorization | None = None
        self._logging_in: asyncio.Task[Authorization] | None = None
        self._session: str | None = None
        self._doubt = TokenDoubt()
        self._lifetimes = SessionLifetimes()
        self._reconsider_at_s = inf  # while Basic is used in place of a session

    @property
    def expands(self) -> bool:
        """Whether the service can expand a collection by all its members ($expand)."""
        return get(self._root, "ProtocolFeaturesSupported", "ExpandQuery", "Levels") is True

    @property
    def authorized_by(self) -> str:
        """How requests are authorized now: by a session, by Basic, or not yet."""
        if self._authorization is None:
            return ""
        return "Redfish session" if self._session else "Basic with each request"

    async def get(self, path: str) -> dict[str, Json]:
        """Get one resource, logged in.

        Raises:
            StatusError: the service responds, but not with this resource.
            LoginError: the log-in failed; another one now may lock the account.
            ReadError: with the reason.
        """
        async with self._lock:
            if self._authorization and now_s() >= self._reconsider_at_s:
                await self._reconsider(self._authorization)
            fresh = self._authorization is None
            sent = self._authorization or await self._log_in()
            identified = self._session is not None and self._doubt.identified(path)
            document = await self._fetched(path, sent, identified)
            if isinstance(document, _Refusal):
                back_off = None if fresh else self._doubted(path, document)
                if back_off is None:
                    raise document.error
                document = await self._get_again(path, document, sent, back_off)
            self._doubt.accepted(path, bare=_ID not in document)
            return document

    async def close(self) -> None:
        """End the session at the service, and the connection."""
        try:
            await self._log_out()
        finally:
            self._authorization = self._session = self._logging_in = None
            self._origin.close()

    async def _log_out(self) -> None:
        """End the session at the service, if it answers in time."""
        with suppress(ReadError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if self._logging_in:
                    self._authorization = await self._logging_in
                if self._session and self._authorization:
                    await self._delete(self._session, self._authorization)

    async def _delete(self, session: str, authorization: Authorization) -> None:
        with suppress(ReadError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._origin.request("DELETE", session, authorization)

    async def _get(self, path: str, authorization: Authorization) -> RedfishResponse:
        response = await self._origin.request("GET", path, authorization)
        token = response.headers.get("x-auth-token")
        if token and self._session and response.status == 200:  # replaces the one before
            self._authorization = {"X-Auth-Token": token}
        return response

    async def _fetched(
        self, path: str, authorization: Authorization, identified: bool
    ) -> "dict[str, Json] | _Refusal":
        """Get a resource; what is none, or no response of HTTP, may refuse the session.

        `identified` says that the resource had its identifier before.

        Raises:
            ReadError: the service cannot be reached, or TLS fails.
        """
        response: RedfishResponse | None = None
        try:
            response = await self._get(path, authorization)
            document = self._document(path, response)
            if identified and _ID not in document:
                message = f"{path} gives {response}, and not the resource that it was"
                raise ReadError(Reason.BAD_REPLY, message)
            return document
        except ReadError as error:
            if response is not None:
                return _Refusal(error, response.status, response.names_lost_session)
            if error.reason is not Reason.BAD_REPLY:
                raise
            return _Refusal(error)

    def _document(self, path: str, response: RedfishResponse) -> dict[str, Json]:
        """Return the resource; after a refusal of Basic the account is read again next time."""
        if response.status == 401:
            if self._session:
                raise _token_refused(path)
            self._authorization = None
        return response.document(path)

    def _doubted(self, path: str, refusal: "_Refusal") -> BackOff | None:
        """Return what limits new log-ins after a refusal that may be of the token, else None."""
        if self._session is None:
            return self._doubt.certain if refusal.status == 401 else None
        suspect = self._doubt.refused(path, absent=refusal.status == NOT_FOUND)
        if refusal.names_lost_session:
            back_off = self._doubt.certain
        elif suspect:
            back_off = self._doubt.possible
        else:
            return None
        return back_off if back_off.allows(now_s()) else None

    async def _get_again(
        self, path: str, refusal: "_Refusal", sent: Authorization, back_off: BackOff
    ) -> dict[str, Json]:
        """Get a resource with a new session, and with the account as its files say now."""
        known, identified = self._doubt.opened(path), self._doubt.identified(path)
        await self._log_out()  # the session may be alive, and the service has few
        self._lifetimes.ended(now_s())
        self._authorization = self._session = None
        self._origin.close()  # the service may close it next, and a log-in is not sent twice
        authorization = await self._log_in()
        document: dict[str, Json] | _Refusal = refusal
        if self._session or authorization != sent:
            document = await self._fetched(path, authorization, identified)
        # else Basic would send the same credentials again: that only locks accounts
        if isinstance(document, _Refusal):
            absent = document.status == NOT_FOUND  # which refuses neither a session nor Basic
            if not absent:
                back_off.failed(now_s())
            if self._session is None and (known or not absent):  # Basic instead of a session
                self._lifetimes.basic_failed(now_s(), document.status)
                self._authorization = None
                self._origin.close()
            raise document.error
        back_off.helped()
        return document

    async def _log_in(self) -> Authorization:
        """Log in, or join the log-in that a cancelled reading started.

        A log-in is not cancelled with the reading that started it: the service would open a session
        whose token is lost, and after a few of these it has no session left.

        Raises:
            LoginError: with the reason.
            ReadError: credentials_missing, as the account or the TLS parameters raise it.
        """
        try:
            if self._root is None:
                self._root = await self._service_root()
            if self._logging_in is None:
                self._logging_in = asyncio.create_task(self._authorize(self._root))
            self._authorization = await asyncio.shield(self._logging_in)
        except ReadError as error:
            if error.reason is Reason.CREDENTIALS_MISSING:  # nothing was sent; it names the Secret
                raise
            raise LoginError(error.reason, str(error), remedy=error.remedy) from None
        finally:
            if self._logging_in and self._logging_in.done():
                self._logging_in = None
        self._doubt.renewed()
        return self._authorization

    async def _reconsider(self, basic: Authorization) -> None:
        """Open a session if the service has sessions by now; else use Basic on.

        Raises:
            LoginError: auth_failed: another password may lock the account.
            ReadError: credentials_missing.
        """
        self._lifetimes.reconsider()
        self._authorization = None
        try:
            await self._log_in()
        except LoginError as error:
            if error.reason is Reason.AUTH_FAILED:
                raise
            self._authorization = basic
            self._reconsider_at_s = now_s() + RECONSIDERED_AFTER_S

    async def _service_root(self) -> dict[str, Json]:
        """Get the service root without credentials; {} where the service requires them.

        Raises:
            ReadError: bad_reply for what is not a Redfish service, before a password is sent to it.
        """
        response = await self._origin.request("GET", ROOT, {})
        if response.status in (401, 403):
            return {}
        root = response.json if response.status == 200 else None
        if isinstance(root, dict) and ("RedfishVersion" in root or "@odata.id" in root):
            return root
        if response.status >= 500:
            raise response.refusal(ROOT)
        message = f"this is not a Redfish service: {ROOT} gives {response}"
        raise ReadError(Reason.BAD_REPLY, message, remedy=_NOT_REDFISH)

    async def _authorize(self, root: dict[str, Json]) -> Authorization:
        account = self._account()
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                basic = self._basic or self._lifetimes.too_short(now_s())
                token = None if basic else await self._open_session(root, account)
        except TimeoutError:
            message = f"the log-in had no response within {LOGIN_TIMEOUT_S:g} s"
            raise ReadError(Reason.TIMEOUT, message) from None
        substituted = not token and not self._basic
        self._reconsider_at_s = now_s() + RECONSIDERED_AFTER_S if substituted else inf
        return {"X-Auth-Token": token} if token else _basic(account)

    async def _open_session(self, root: dict[str, Json], account: RedfishAccount) -> str | None:
        """Open a session and return its token; None where there are none, or none left."""
        body = {"UserName": account.username, "Password": account.password}
        headers = {"Content-Type": "application/json"}
        for path in _session_paths(root):
            response = await self._origin.request("POST", path, headers, msgspec.json.encode(body))
            if response.session_limit:
                return None
            if response.status not in NO_SESSIONS_HERE:
                return await self._token(response, account)
        return None

    async def _token(self, response: RedfishResponse, account: RedfishAccount) -> str:
        succeeded = 200 <= response.status < 300
        session = _own_path(response.headers.get("location") or get(response.json, "@odata.id"))
        token = response.headers.get("x-auth-token")
        if succeeded and token:
            self._lifetimes.started(now_s())
            self._session = session
            return token
        # iLO responds 400 UnauthorizedLoginAttempt instead of 401.
        if b"nauthorized" in response.body:
            response = RedfishResponse(401, response.headers, response.body)
        elif succeeded:
            raise await self._without_token(response, session, account)
        raise response.refusal("the log-in")

    async def _without_token(
        self, response: RedfishResponse, session: str | None, account: RedfishAccount
    ) -> ReadError:
        """End a session that cannot be used, since the service has few; return the error."""
        if session and "/Sessions/" in session:
            await self._delete(session, _basic(account))
        message = f"the log-in gives {response} without the header X-Auth-Token"
        return ReadError(Reason.BAD_REPLY, message, remedy=_HEADER_REMOVED)


def _basic(account: RedfishAccount) -> Authorization:
    credentials = f"{account.username}:{account.password}".encode()
    return {"Authorization": "Basic " + base64.b64encode(credentials).decode()}


def _token_refused(path: str) -> ReadError:
    message = f"the service accepts the log-in and then refuses its session for {path} (401)"
    remedy = (
        "Check that the user's role includes Redfish. If the service has trouble with sessions, "
        "`redfish.auth: basic` does without."
    )
    return ReadError(Reason.AUTH_FAILED, message, remedy=remedy)


def _session_paths(root: dict[str, Json]) -> Iterator[str]:
    """Return paths where sessions may be: the root's, the standard's, and the old one."""
    named = _own_path(link(root, "Links", "Sessions"))
    yield from dict.fromkeys((named or SESSIONS, SESSIONS, OLD_SESSIONS))


def _own_path(url: object) -> str | None:
    """Return the path of what may be a whole URL: its host is often wrong."""
    if not isinstance(url, str) or not url:
        return None
    with suppress(ValueError):
        return URL(url).raw_path
    return None
