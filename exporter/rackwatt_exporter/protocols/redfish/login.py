"""Log-in to one Redfish service (DSP0266): a session, or Basic in its place; and log-out.

A service has few sessions, so one that is opened is always ended, or kept. Basic takes its place
where the service has no room for one, or where its sessions do not last; once an hour a session is
tried again.
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
from rackwatt_exporter.protocols.redfish.token import RECONSIDERED_AFTER_S, SessionLifetimes
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

LOGIN_TIMEOUT_S = 30.0
# Slow BMCs take a second to respond, and may first finish the request of a cancelled reading.
CLOSE_TIMEOUT_S = 3.0


class LoginError(ReadError):
    """The service gives no authorization now, so none of its resources can be read."""


class RedfishAccount(NamedTuple):
    """Credentials of a log-in."""

    username: str
    password: str


class RedfishLogin:
    """What authorizes requests to one service; `account` is called at each log-in.

    `session` is the path of the session, None without one.
    """

    def __init__(
        self, origin: Origin, account: Callable[[], RedfishAccount], basic: bool = False
    ) -> None:
        self.session: str | None = None
        self._origin = origin
        self._account = account
        self._basic = basic
        self._root: dict[str, Json] | None = None
        self._authorization: Authorization | None = None
        self._logging_in: asyncio.Task[Authorization] | None = None
        self._lifetimes = SessionLifetimes()
        self._reconsider_at_s = inf  # while Basic is used in place of a session

    @property
    def root(self) -> Json:
        """The service root; None before the first log-in."""
        return self._root

    @property
    def authorization(self) -> Authorization | None:
        """The headers of the last log-in that is still used."""
        return self._authorization

    async def current(self) -> Authorization:
        """Return what authorizes requests now; log in where nothing does, or where it is time to.

        Raises:
            LoginError: with the reason.
            ReadError: credentials_missing, as the account or the TLS parameters raise it.
        """
        if self._authorization and now_s() >= self._reconsider_at_s:
            return await self._reconsidered(self._authorization)
        return self._authorization or await self._open()

    async def again(self) -> Authorization:
        """End the session, if there is one, and log in with the account as its files say now.

        Raises:
            LoginError, ReadError: as `current`.
        """
        await self._end()  # the session may be alive, and the service has few
        self._lifetimes.ended(now_s())
        self.drop()
        self._origin.close()  # the service may close it next, and a log-in is not sent twice
        return await self._open()

    def rotated(self, token: str) -> None:
        """Use the token by which the service has replaced that of the session."""
        if self.session:
            self._authorization = {"X-Auth-Token": token}

    def drop(self) -> None:
        """Forget the authorization: the next request logs in."""
        self._authorization = self.session = None

    def basic_refused(self, status: int) -> None:
        """Record that Basic in place of a session was of no use, and the status of the response."""
        self._lifetimes.basic_failed(now_s(), status)
        self._authorization = None
        self._origin.close()

    async def close(self) -> None:
        """End the session at the service, and the connection."""
        try:
            await self._end()
        finally:
            self.drop()
            self._logging_in = None
            self._origin.close()

    async def _end(self) -> None:
        """End the session at the service, if it answers in time."""
        with suppress(ReadError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if self._logging_in:
                    self._authorization = await self._logging_in
                if self.session and self._authorization:
                    await self._delete(self.session, self._authorization)

    async def _delete(self, session: str, authorization: Authorization) -> None:
        with suppress(ReadError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._origin.request("DELETE", session, authorization)

    async def _open(self) -> Authorization:
        """Log in, or join the log-in that a cancelled reading started.

        A log-in is not cancelled with the reading that started it: the service would open a session
        whose token is lost, and after a few of these it has no session left.
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
        return self._authorization

    async def _reconsidered(self, basic: Authorization) -> Authorization:
        """Open a session if the service has sessions by now; else use Basic on.

        Raises:
            LoginError: auth_failed: another password may lock the account.
            ReadError: credentials_missing.
        """
        self._lifetimes.reconsider()
        self._authorization = None
        try:
            return await self._open()
        except LoginError as error:
            if error.reason is Reason.AUTH_FAILED:
                raise
            self._authorization = basic
            self._reconsider_at_s = now_s() + RECONSIDERED_AFTER_S
            return basic

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
            self.session = session
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
