"""SNMP client of one agent: objects by OID, and tables row by row.

It handles lost packets, agents that restarted or were replaced, responses too long for one packet,
and agents without GETBULK, and states a reason where nothing helps. It has one socket and sends one
request at a time.
"""

import time
from collections.abc import Callable, Sequence

from rackwatt_exporter.protocols.snmp.pdu import (
    AUTHORIZATION_ERROR,
    GEN_ERR,
    GET,
    GET_BULK,
    GET_NEXT,
    NO_ACCESS,
    NO_SUCH_NAME,
    TOO_BIG,
    SnmpResponse,
    VarBinds,
)
from rackwatt_exporter.protocols.snmp.session import (
    Login,
    RefusedError,
    SnmpSession,
    open_session,
)
from rackwatt_exporter.protocols.snmp.value import Malformed, Value
from rackwatt_exporter.reading import ReadError, Reason

MAX_TIMEOUTS = 2
# After so many discoveries in a row, each followed by an encrypted request without a response, the
# keys are wrong. Where one packet in five is lost, this happens once in years.
MAX_UNANSWERED_DISCOVERIES = 8
# So many that request and response each fit into one Ethernet frame.
OBJECTS_LIMIT = 32
REPETITIONS = 20
ROWS_LIMIT = 4096
# For so long an agent that did not respond to GETBULK is sent GETNEXT.
NO_BULK_S = 3600.0
_STATUS_REASONS = {
    GEN_ERR: Reason.SENSOR_UNREADABLE,
    NO_ACCESS: Reason.PRIVILEGE_INSUFFICIENT,
    AUTHORIZATION_ERROR: Reason.PRIVILEGE_INSUFFICIENT,
}
_REMEDIES = {
    Reason.PRIVILEGE_INSUFFICIENT: "Raise `snmp.level` to what the agent wants of this user, or "
    "let the user see these objects in the agent's access control.",
}


class SnmpClient:
    """Client of one agent, with one request at a time.

    `login` is called at each new session, so that a rotated secret counts from the next one on. A
    request is sent at most `attempts` times, each awaited for `attempt_timeout_s`. `bulk` says
    whether the version has GETBULK.
    """

    def __init__(
        self,
        host: str,
        port: int,
        login: Callable[[], Login],
        attempts: int,
        attempt_timeout_s: float,
        bulk: bool = True,
    ) -> None:
        self._host, self._port = host, port
        self._login = login
        self._attempts = attempts
        self._attempt_timeout_s = attempt_timeout_s
        self._session: SnmpSession | None = None
        self._bulk = bulk
        self._timeouts = 0
        self._unanswered_discoveries = 0
        self._batch = OBJECTS_LIMIT
        self._no_bulk_until_s = 0.0

    @property
    def known(self) -> bool:
        """Whether the agent has responded in the current session."""
        return self._session is not None and self._session.responded

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Read objects; those that the agent does not have are left out.

        All in one request, or in as many as the agent can respond to.

        Raises:
            ReadError: timeout, connection_refused, unreachable, name_unresolved, auth_failed,
                bad_reply, privilege_insufficient, sensor_unreadable, or what `login` raises.
        """
        found: dict[str, Value] = {}
        waiting: Sequence[str] = oids
        while waiting:
            part = waiting[: self._batch]
            response = await self._request(GET, part)
            if response.status:
                waiting = self._without_failed(response, part, waiting)
                continue
            shown = dict(response.objects)
            missed = [oid for oid in part if oid not in shown]
            if len(missed) == len(part) > 1:
                self._batch = len(part) // 2
                continue
            for oid in part:
                value = _checked(oid, shown.get(oid))
                if value is not None:
                    found[oid] = value
            # An object that is missing in the response may have had no room in it.
            waiting = [*(missed if len(part) > 1 else ()), *waiting[len(part) :]]
        return found

    async def walk(self, column: str) -> dict[str, Value]:
        """Read every object below a column, by OID.

        Raises:
            ReadError: as `get` does; bad_reply where the agent's list has no end.
        """
        found: dict[str, Value] = {}
        last = column
        while True:
            for oid, shown in await self._following(last):
                value = _checked(oid, shown) if oid.startswith(f"{column}.") else None
                if value is None:
                    return found
                if oid in found or len(found) == ROWS_LIMIT:
                    message = f"the agent's list of {column} has no end: after {last} comes {oid}"
                    again = " again" if oid in found else ""
                    raise ReadError(Reason.BAD_REPLY, f"{message}{again}")
                found[oid] = value
                last = oid

    def close(self) -> None:
        """Close the session and its socket; the next request opens another."""
        if self._session is not None:
            self._session.close()
        self._session = None
        self._batch = OBJECTS_LIMIT

    def _without_failed(
        self, response: SnmpResponse, part: Sequence[str], waiting: Sequence[str]
    ) -> Sequence[str]:
        """Return the objects still to be read after a request failed as a whole.

        Raises:
            ReadError: nothing is left to try.
        """
        at = response.failed - 1
        named = part[at] if 0 <= at < len(part) else part[0] if len(part) == 1 else None
        if response.status == NO_SUCH_NAME and named is not None:
            return [oid for oid in waiting if oid != named]
        if len(part) > 1 and (response.status == TOO_BIG or named is None):
            self._batch = len(part) // 2
            return waiting
        reason = _STATUS_REASONS.get(response.status, Reason.BAD_REPLY)
        message = f"the agent responds {response.words} to a request for {named}"
        raise ReadError(reason, message, remedy=_REMEDIES.get(reason))

    async def _following(self, last: str) -> VarBinds:
        """Read the objects after one: several by GETBULK, or one by GETNEXT.

        An agent without GETBULK does not respond to it, or responds an error or an empty list.
        """
        if not self._bulk or time.monotonic() < self._no_bulk_until_s:
            return await self._next(last, self._attempts, self._attempt_timeout_s)
        responded = self.known
        # GETBULK and GETNEXT both have to fit into the deadline.
        timeout_s = self._attempt_timeout_s / (1 if self._attempts > 1 else 2)
        try:
            response = await self._request(GET_BULK, (last,), REPETITIONS, 1, timeout_s)
            if response.objects and not response.status:
                return response.objects
        except ReadError as error:
            if error.reason not in (Reason.TIMEOUT, Reason.BAD_REPLY):
                raise
        try:
            following = await self._next(last, max(1, self._attempts - 1), timeout_s)
        except ReadError as error:
            if not responded:
                raise
            message = "the agent responds to GET, but neither to GETBULK nor to GETNEXT"
            remedy = 'Try `version: "1"`, or name each object in `oids` instead of a `where`.'
            raise ReadError(error.reason, f'{message}: try version: "1"', remedy=remedy) from None
        self._no_bulk_until_s = time.monotonic() + NO_BULK_S
        return following

    async def _next(self, last: str, attempts: int, timeout_s: float) -> VarBinds:
        response = await self._request(GET_NEXT, (last,), 0, attempts, timeout_s)
        if response.status == NO_SUCH_NAME:
            return [(last, None)]  # version 1: nothing follows
        if response.status or not response.objects:
            message = f"the agent responds {response.words} to a request for what follows {last}"
            raise ReadError(Reason.BAD_REPLY, message)
        return response.objects

    async def _request(
        self,
        kind: int,
        oids: Sequence[str],
        repetitions: int = 0,
        attempts: int = 0,
        timeout_s: float = 0.0,
    ) -> SnmpResponse:
        attempts_left = attempts or self._attempts
        timeout_s = timeout_s or self._attempt_timeout_s
        while True:
            kept = self.known
            try:
                session = self._session or await self._open(timeout_s)
                response = await session.request(kind, oids, repetitions, timeout_s)
            except RefusedError as refusal:
                # A restarted agent, a replaced one and a rotated secret look the same.
                self.close()
                if not kept:
                    raise ReadError(refusal.reason, f"the agent {refusal}") from None
            except (OSError, ValueError) as error:
                failure = self._to_read_error(error)
                attempts_left -= 1
                if not attempts_left:
                    raise failure from None
            else:
                self._timeouts = self._unanswered_discoveries = 0
                return response

    async def _open(self, timeout_s: float) -> SnmpSession:
        session = await open_session(self._host, self._port, self._login())
        self._session = session
        try:
            await session.discover(timeout_s)
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                self._unanswered_discoveries = 0
            raise
        return session

    def _to_read_error(self, error: OSError | ValueError) -> ReadError:
        """Count timeouts, and map an exception to a ReadError."""
        if isinstance(error, TimeoutError):
            return self._timed_out()
        if isinstance(error, ConnectionRefusedError):
            return ReadError(Reason.CONNECTION_REFUSED, f"nothing listens at UDP port {self._port}")
        if isinstance(error, OSError):
            return ReadError(Reason.UNREACHABLE, error.strerror or str(error))
        return ReadError(Reason.BAD_REPLY, f"the response is not valid SNMP: {error}")

    def _timed_out(self) -> ReadError:
        session = self._session
        if session is not None and session.discovered_only:
            # Discover it again: a response to that shows whether packets arrive at all.
            self._unanswered_discoveries += 1
            self.close()
        else:
            self._timeouts += 1
        if self._timeouts >= MAX_TIMEOUTS:
            # The host name may resolve to another address, and the secret may have changed.
            self.close()
            self._timeouts = 0
        if self._unanswered_discoveries:
            certain = self._unanswered_discoveries >= MAX_UNANSWERED_DISCOVERIES
            message = (
                "the agent responds to discovery but to no encrypted request: check privPassword"
            )
            return ReadError(
                Reason.AUTH_FAILED if certain else Reason.TIMEOUT,
                f"{message} and privacy{'' if certain else ', or packets are being lost'}",
            )
        message = f"no response to {self._attempts} requests"
        if session is not None and session.may_be_unknown:
            message += "; agents do not respond to a wrong community either"
        return ReadError(Reason.TIMEOUT, message)


def _checked(oid: str, shown: Value | Malformed | None) -> Value | None:
    """Return a value that is not malformed.

    Raises:
        ReadError: bad_reply.
    """
    if isinstance(shown, Malformed):
        raise ReadError(Reason.BAD_REPLY, f"{oid} is {shown.words}")
    return shown
