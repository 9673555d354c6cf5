"""Redfish client of one service (DSP0266): one request at a time, with a new log-in where it helps.

BMCs are small: the client keeps one connection and has one request in flight, and all nodes behind
one BMC share one log-in.
"""

import asyncio
from collections.abc import Callable
from time import monotonic as now_s
from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.exchange import (
    NOT_FOUND,
    Authorization,
    Origin,
    RedfishResponse,
)
from rackwatt_exporter.protocols.redfish.json import Json, get
from rackwatt_exporter.protocols.redfish.login import RedfishAccount, RedfishLogin
from rackwatt_exporter.protocols.redfish.token import NO_RESPONSE, BackOff, TokenDoubt, is_another
from rackwatt_exporter.reading import ReadError, Reason


class _Refusal(NamedTuple):
    """A response that is not the resource, or none: NO_RESPONSE is then its status."""

    error: ReadError
    status: int = NO_RESPONSE
    names_lost_session: bool = False


class RedfishClient:
    """Client of one BMC, shared by all nodes behind it; `account` is called at each log-in."""

    def __init__(
        self, origin: Origin, account: Callable[[], RedfishAccount], basic: bool = False
    ) -> None:
        self._origin = origin
        self._login = RedfishLogin(origin, account, basic)
        self._lock = asyncio.Lock()
        self._doubt = TokenDoubt()

    @property
    def expands(self) -> bool:
        """Whether the service can expand a collection by all its members ($expand)."""
        features = "ProtocolFeaturesSupported", "ExpandQuery", "Levels"
        return get(self._login.root, *features) is True

    @property
    def authorized_by(self) -> str:
        """How requests are authorized now: by a session, by Basic, or not yet."""
        if self._login.authorization is None:
            return ""
        return "Redfish session" if self._login.session else "Basic with each request"

    async def get(self, path: str) -> dict[str, Json]:
        """Get one resource, logged in.

        Raises:
            StatusError: the service responds, but not with this resource.
            LoginError: the log-in failed; another one now may lock the account.
            ReadError: with the reason.
        """
        async with self._lock:
            before = self._login.authorization
            sent = await self._login.current()
            fresh = sent is not before
            if fresh:
                self._doubt.renewed()
            document = await self._fetched(path, sent, self._marks(path))
            if isinstance(document, _Refusal):
                back_off = None if fresh else self._doubted(path, document)
                if back_off is None:
                    raise document.error
                document = await self._get_again(path, document, sent, back_off)
            self._doubt.accepted(path, document)
            return document

    def own_path(self, text: str) -> str:
        """Return the path of a URL of this service; any other text as it is."""
        return self._origin.own_path(text)

    async def close(self) -> None:
        """End the session at the service, and the connection."""
        await self._login.close()

    def _marks(self, path: str) -> frozenset[str]:
        """Return by which properties a resource is known that this session has opened."""
        return self._doubt.marks(path) if self._login.session else frozenset()

    async def _get(self, path: str, authorization: Authorization) -> RedfishResponse:
        response = await self._origin.request("GET", path, authorization)
        if response.status == 200 and (token := response.headers.get("x-auth-token")):
            self._login.rotated(token)
        return response

    async def _fetched(
        self, path: str, authorization: Authorization, marks: frozenset[str]
    ) -> "dict[str, Json] | _Refusal":
        """Get a resource; what is none, or no response of HTTP, may refuse the session.

        `marks` are those of the resource that it was before.

        Raises:
            ReadError: the service cannot be reached, or TLS fails.
        """
        response: RedfishResponse | None = None
        try:
            response = await self._get(path, authorization)
            document = self._document(path, response)
            if is_another(document, marks):
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
            if self._login.session:
                raise _token_refused(path)
            self._login.drop()
        return response.document(path)

    def _doubted(self, path: str, refusal: "_Refusal") -> BackOff | None:
        """Return what limits new log-ins after a refusal that may be of the token, else None."""
        if self._login.session is None:
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
        known, marks = self._doubt.opened(path), self._marks(path)
        authorization = await self._login.again()
        self._doubt.renewed()
        document: dict[str, Json] | _Refusal = refusal
        if self._login.session or authorization != sent:
            document = await self._fetched(path, authorization, marks)
        # else Basic would send the same credentials again: that only locks accounts
        if isinstance(document, _Refusal):
            absent = document.status == NOT_FOUND  # which refuses neither a session nor Basic
            if not absent:
                back_off.failed(now_s())
            if self._login.session is None and (known or not absent):  # Basic instead of a session
                self._login.basic_refused(document.status)
            raise document.error
        back_off.helped()
        return document


def _token_refused(path: str) -> ReadError:
    message = f"the service accepts the log-in and then refuses its session for {path} (401)"
    remedy = (
        "Check that the user's role includes Redfish. If the service has trouble with sessions, "
        "`redfish.auth: basic` does without."
    )
    return ReadError(Reason.AUTH_FAILED, message, remedy=remedy)
