"""A Redfish service: log in once, ask one thing at a time, log out (DSP0266).

BMCs are small: one connection is kept, one request is in flight, and however many nodes stand
behind one BMC they share one session. A service without room for a session, or whose sessions do
not last, gets Basic with each request.
"""

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
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
from rackwatt_exporter.protocols.redfish.json import Json, at, link
from rackwatt_exporter.protocols.redfish.token import BackOff, SessionLifetimes, TokenDoubt
from rackwatt_exporter.reading import ReadError, Reason

ROOT = "/redfish/v1/"
SESSIONS = "/redfish/v1/SessionService/Sessions"
OLD_SESSIONS = "/redfish/v1/Sessions"  # iDRAC 8 has its sessions here
NO_SESSIONS_HERE = (NOT_FOUND, 405, 501)

_NOT_REDFISH = (
    "Switch Redfish on in the BMC, and check `redfish.port`. Older BMCs have none: read them by "
    "`method: ipmi`."
)

LOGIN_TIMEOUT_S = 30.0
# Slow BMCs take a second for an answer, and may first finish what a reading cut short has asked.
CLOSE_TIMEOUT_S = 3.0


class RedfishAccount(NamedTuple):
    """Who logs in."""

    username: str
    password: str


class RedfishClient:
    """One BMC, for all that are behind it; `account` is asked for at each login."""

    def __init__(
        self, origin: Origin, account: Callable[[], RedfishAccount], basic: bool = False
    ) -> None:
        self._origin = origin
        self._account = account
        self._basic = basic
        self._turn = asyncio.Lock()
        self._root: dict[str, Json] | None = None
        self._authorization: Authorization | None = None
        self._logging_in: asyncio.Task[Authorization] | None = None
        self._session: str | None = None
        self._doubt = TokenDoubt()
        self._lifetimes = SessionLifetimes()

    @property
    def expands(self) -> bool:
        """Tell whether a collection can be asked for with all its members in it."""
        return at(self._root, "ProtocolFeaturesSupported", "ExpandQuery", "Levels") is True

    @property
    def authorized_by(self) -> str:
        """What lets us in now: `Redfish session`, `Basic`, or nothing yet."""
        if self._authorization is None:
            return ""
        return "Redfish session" if self._session else "Basic with each request"

    async def get(self, path: str) -> dict[str, Json]:
        """Get one resource, logged in.

        Raises:
            StatusError: the service answers, but not with this resource.
            ReadError: with the reason.
        """
        async with self._turn:
            fresh = self._authorization is None
            sent = self._authorization or await self._log_in()
            answer = await self._ask(path, sent)
            try:
                document = self._document(path, answer)
            except ReadError:
                back_off = None if fresh else self._doubted(path, answer)
                if back_off is None:
                    raise
                document = await self._get_again(path, answer, sent, back_off)
            self._doubt.accepted(path)
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
                    await self._origin.ask("DELETE", self._session, self._authorization)

    async def _ask(self, path: str, authorization: Authorization) -> RedfishResponse:
        answer = await self._origin.ask("GET", path, authorization)
        token = answer.headers.get("x-auth-token")
        if token and self._session and answer.status == 200:  # given instead of the one before
            self._authorization = {"X-Auth-Token": token}
        return answer

    def _document(self, path: str, answer: RedfishResponse) -> dict[str, Json]:
        """Return the resource; after a refusal of Basic the account is read again next time."""
        if answer.status == 401:
            if self._session:
                raise _token_refused(path)
            self._authorization = None
        return answer.document(path)

    def _doubted(self, path: str, answer: RedfishResponse) -> BackOff | None:
        """Return what limits new log-ins after a refusal that may be of the token, else None."""
        if self._session is None:
            return self._doubt.certain if answer.status == 401 else None
        suspect = self._doubt.refused(path, absent=answer.status == NOT_FOUND)
        if answer.names_lost_session:
            back_off = self._doubt.certain
        elif suspect:
            back_off = self._doubt.possible
        else:
            return None
        return back_off if back_off.allows(now_s()) else None

    async def _get_again(
        self, path: str, answer: RedfishResponse, sent: Authorization, back_off: BackOff
    ) -> dict[str, Json]:
        """Get a resource with a new session, and with the account as its files say now."""
        await self._log_out()  # the session may be alive, and the service has few
        self._lifetimes.ended(now_s())
        self._authorization = self._session = None
        self._origin.close()  # who refuses may hang up next, and a log-in is not sent twice
        authorization = await self._log_in()
        if self._session or authorization != sent:
            answer = await self._ask(path, authorization)
        # else Basic would say the same words again: that only locks accounts
        try:
            document = self._document(path, answer)
        except ReadError:
            back_off.failed(now_s())
            if self._session is None:  # Basic was tried instead of a session, and is refused too
                self._lifetimes.basic_refused()
                self._authorization = None
                self._origin.close()
            raise
        back_off.helped()
        return document

    async def _log_in(self) -> Authorization:
        """Log in, or join the login that a cancelled reading began.

        A login is not cancelled with the reading that began it: the service would open a session
        nobody knows the token of, and after a few of these it has none left to give.
        """
        if self._root is None:
            self._root = await self._service_root()
        if self._logging_in is None:
            self._logging_in = asyncio.create_task(self._enter(self._root))
        try:
            self._authorization = await asyncio.shield(self._logging_in)
        finally:
            if self._logging_in.done():
                self._logging_in = None
        self._doubt.renewed()
        return self._authorization

    async def _service_root(self) -> dict[str, Json]:
        """Get the service root, for which no account is needed; {} where one is all the same.

        Raises:
            ReadError: bad_reply, before a password has been sent to what is not a Redfish service.
        """
        answer = await self._origin.ask("GET", ROOT, {})
        if answer.status in (401, 403):
            return {}
        root = answer.json if answer.status == 200 else None
        if isinstance(root, dict) and ("RedfishVersion" in root or "@odata.id" in root):
            return root
        if answer.status >= 500:
            raise answer.refusal(ROOT)
        told = f"this is not a Redfish service: {ROOT} gives {answer}"
        raise ReadError(Reason.BAD_REPLY, told, remedy=_NOT_REDFISH)

    async def _enter(self, root: dict[str, Json]) -> Authorization:
        account = self._account()
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                basic = self._basic or self._lifetimes.too_short
                token = None if basic else await self._open_session(root, account)
        except TimeoutError:
            told = f"the login had no answer within {LOGIN_TIMEOUT_S:g} s"
            raise ReadError(Reason.TIMEOUT, told) from None
        if token:
            return {"X-Auth-Token": token}
        words = f"{account.username}:{account.password}".encode()
        return {"Authorization": "Basic " + base64.b64encode(words).decode()}

    async def _open_session(self, root: dict[str, Json], account: RedfishAccount) -> str | None:
        """Open a session and give its token; None where there are none, or none left."""
        words = {"UserName": account.username, "Password": account.password}
        kind = {"Content-Type": "application/json"}
        for path in _session_paths(root):
            answer = await self._origin.ask("POST", path, kind, msgspec.json.encode(words))
            if answer.session_limit:
                return None
            if answer.status not in NO_SESSIONS_HERE:
                return self._token(answer)
        return None

    def _token(self, answer: RedfishResponse) -> str:
        token = answer.headers.get("x-auth-token")
        if answer.status < 300 and token:
            self._lifetimes.started(now_s())
            named = answer.headers.get("location") or at(answer.json, "@odata.id")
            self._session = _own_path(named)
            return token
        # iLO says 400 UnauthorizedLoginAttempt where others say 401.
        if b"nauthorized" in answer.body:
            answer = RedfishResponse(401, answer.headers, answer.body)
        raise answer.refusal("the login")


def _token_refused(path: str) -> ReadError:
    message = f"the service accepts the log-in and then refuses its session for {path} (401)"
    remedy = (
        "Check that the user's role includes Redfish. If the service has trouble with sessions, "
        "`redfish.auth: basic` does without."
    )
    return ReadError(Reason.AUTH_FAILED, message, remedy=remedy)


def _session_paths(root: dict[str, Json]) -> Iterator[str]:
    """Tell where sessions may be: where the root says, the standard's place, the old one."""
    said = _own_path(link(root, "Links", "Sessions"))
    yield from dict.fromkeys((said or SESSIONS, SESSIONS, OLD_SESSIONS))


def _own_path(said: object) -> str | None:
    """Take the path of what may be a whole URL: services know their own names badly."""
    if not isinstance(said, str) or not said:
        return None
    with suppress(ValueError):
        return URL(said).raw_path
    return None
