"""SNMP requests to one agent: objects by name, and tables row by row.

What is done here: requests sent again, agents that restarted or were replaced, answers too long for
one packet, agents that know no GETBULK, and the reason when nothing helps. One socket to each
agent, one request at a time.
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
    Found,
    SnmpResponse,
)
from rackwatt_exporter.protocols.snmp.session import (
    Login,
    RefusedError,
    SnmpSession,
    opened_session,
)
from rackwatt_exporter.protocols.snmp.value import Malformed, Value
from rackwatt_exporter.reading import ReadError, Reason

SILENCES = 2
# So often, one after the other, an agent says its name and then leaves an encrypted request
# unanswered before that is called wrong keys: where one packet in five is lost, it takes years.
NAMED_IN_VAIN = 8
# So many that requests and answers fit into one Ethernet frame each.
OBJECTS_LIMIT = 32
REPETITIONS = 20
ROWS_LIMIT = 4096
# For so long an agent that had no answer to GETBULK is not sent another.
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
    """One agent, sent one request at a time.

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
        self._silences = 0
        self._named_in_vain = 0
        self._batch = OBJECTS_LIMIT
        self._no_bulk_until_s = 0.0

    @property
    def known(self) -> bool:
        """Whether the agent has answered on what is open now."""
        return self._session is not None and self._session.answered

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Read objects; those that the agent does not show are left out.

        All in one request, or in as many as the agent can answer.

        Raises:
            ReadError: timeout, connection_refused, unreachable, name_unresolved, auth_failed,
                bad_reply, privilege_insufficient, sensor_unreadable, or what `login` raises.
        """
        found: dict[str, Value] = {}
        waiting: Sequence[str] = oids
        while waiting:
            part = waiting[: self._batch]
            response = await self._ask(GET, part)
            if response.status:
                waiting = self._without_failed(response, part, waiting)
                continue
            shown = dict(response.objects)
            missed = [oid for oid in part if oid not in shown]
            if len(missed) == len(part) > 1:
                self._batch = len(part) // 2
                continue
            for oid in part:
                value = _believed(oid, shown.get(oid))
                if value is not None:
                    found[oid] = value
            # What an answer is silent about may have had no room in it.
            waiting = [*(missed if len(part) > 1 else ()), *waiting[len(part) :]]
        return found

    async def walk(self, column: str) -> dict[str, Value]:
        """Read every object under one, by its number.

        Raises:
            ReadError: as `get` does; bad_reply where the agent's list has no end.
        """
        found: dict[str, Value] = {}
        last = column
        while True:
            for oid, shown in await self._following(last):
                value = _believed(oid, shown) if oid.startswith(f"{column}.") else None
                if value is None:
                    return found
                if oid in found or len(found) == ROWS_LIMIT:
                    message = f"the agent finds no end of {column}: after {last} it shows {oid}"
                    again = " again" if oid in found else ""
                    raise ReadError(Reason.BAD_REPLY, f"{message}{again}")
                found[oid] = value
                last = oid

    def close(self) -> None:
        """Let the session go, and its socket with it; the next request opens another."""
        if self._session is not None:
            self._session.close()
        self._session = None
        self._batch = OBJECTS_LIMIT

    def _without_failed(
        self, response: SnmpResponse, part: Sequence[str], waiting: Sequence[str]
    ) -> Sequence[str]:
        """Give what is still to be read after a request failed as a whole.

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
        message = f"the agent answers {response.words} to a request for {named}"
        raise ReadError(reason, message, remedy=_REMEDIES.get(reason))

    async def _following(self, last: str) -> Found:
        """Read what follows an object: some by GETBULK, or one by GETNEXT.

        An agent that knows no GETBULK meets it with silence, with an error, or with nothing.
        """
        if not self._bulk or time.monotonic() < self._no_bulk_until_s:
            return await self._next(last, self._attempts, self._attempt_timeout_s)
        answered = self.known
        # Both have to fit into the deadline.
        timeout_s = self._attempt_timeout_s / (1 if self._attempts > 1 else 2)
        try:
            response = await self._ask(GET_BULK, (last,), REPETITIONS, 1, timeout_s)
            if response.objects and not response.status:
                return response.objects
        except ReadError as error:
            if error.reason not in (Reason.TIMEOUT, Reason.BAD_REPLY):
                raise
        try:
            found = await self._next(last, max(1, self._attempts - 1), timeout_s)
        except ReadError as error:
            if not answered:
                raise
            message = "the agent answers GET, but neither GETBULK nor GETNEXT"
            remedy = 'Try `version: "1"`, or name each object in `oids` instead of a `where`.'
            raise ReadError(error.reason, f'{message}: try version: "1"', remedy=remedy) from None
        self._no_bulk_until_s = time.monotonic() + NO_BULK_S
        return found

    async def _next(self, last: str, attempts: int, timeout_s: float) -> Found:
        response = await self._ask(GET_NEXT, (last,), 0, attempts, timeout_s)
        if response.status == NO_SUCH_NAME:
            return [(last, None)]  # how version 1 says that nothing follows
        if response.status or not response.objects:
            message = f"the agent answers {response.words} to a request for what follows {last}"
            raise ReadError(Reason.BAD_REPLY, message)
        return response.objects

    async def _ask(
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
                session = self._session or await self._opened(timeout_s)
                answer = await session.ask(kind, oids, repetitions, timeout_s)
            except RefusedError as refusal:
                # So do a restarted agent, a replaced one and a rotated secret look.
                self.close()
                if not kept:
                    raise ReadError(refusal.reason, f"the agent {refusal}") from None
            except (OSError, ValueError) as error:
                fault = self._fault(error)
                attempts_left -= 1
                if not attempts_left:
                    raise fault from None
            else:
                self._silences = self._named_in_vain = 0
                return answer

    async def _opened(self, timeout_s: float) -> SnmpSession:
        session = await opened_session(self._host, self._port, self._login())
        self._session = session
        try:
            await session.discover(timeout_s)
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                self._named_in_vain = 0
            raise
        return session

    def _fault(self, error: OSError | ValueError) -> ReadError:
        """Take note of what went wrong, and give it a reason."""
        if isinstance(error, TimeoutError):
            return self._silence()
        if isinstance(error, ConnectionRefusedError):
            return ReadError(Reason.CONNECTION_REFUSED, f"nothing listens at UDP port {self._port}")
        if isinstance(error, OSError):
            return ReadError(Reason.UNREACHABLE, error.strerror or str(error))
        return ReadError(Reason.BAD_REPLY, f"the answer is not SNMP as it should be: {error}")

    def _silence(self) -> ReadError:
        session = self._session
        if session is not None and session.named_only:
            # Its name once more: an answer to that shows whether packets get there at all.
            self._named_in_vain += 1
            self.close()
        else:
            self._silences += 1
        if self._silences >= SILENCES:
            # A name of a host may have moved, and a secret may be another.
            self.close()
            self._silences = 0
        if self._named_in_vain:
            certain = self._named_in_vain >= NAMED_IN_VAIN
            message = "the agent says its name but answers no encrypted request: check privPassword"
            return ReadError(
                Reason.AUTH_FAILED if certain else Reason.TIMEOUT,
                f"{message} and privacy{'' if certain else ', or packets are being lost'}",
            )
        message = f"no answer to {self._attempts} requests"
        if session is not None and session.may_be_unknown:
            message += "; agents meet a wrong community with silence too"
        return ReadError(Reason.TIMEOUT, message)


def _believed(oid: str, shown: Value | Malformed | None) -> Value | None:
    """Give a value.

    Raises:
        ReadError: bad_reply, when it is malformed.
    """
    if isinstance(shown, Malformed):
        raise ReadError(Reason.BAD_REPLY, f"{oid} is {shown.words}")
    return shown
