"""SNMP requests to one agent, over a session that is kept and mended.

gufo_snmp speaks the protocol; its core is compiled, a request costs 0.03 ms. What it leaves to its
user is done here: requests sent again, agents that restarted or were replaced, answers too long for
one packet, and the reason when nothing helps. One socket to each agent, one request at a time.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar, cast

from gufo.snmp import SnmpAuthError, SnmpError, SnmpVersion, User
from gufo.snmp.aio import SnmpSession

from rackwatt_exporter.reading import ReadError, Reason

Value = int | float | str | bytes
T = TypeVar("T")

IDLE_S = 150.0
SILENCES = 2
# So often, one after the other, an agent tells its name and then leaves an encrypted request
# unanswered before that is told as wrong keys: where one packet in five is lost, it takes years.
NAMED_IN_VAIN = 8
# So many that requests and answers fit into one Ethernet frame each.
OBJECTS_LIMIT = 32
ROWS_LIMIT = 4096


class Login(NamedTuple):
    """What lets us in: a community (versions 1 and 2c), or a user with its keys (version 3)."""

    version: SnmpVersion
    community: str = ""
    user: User | None = None

    @property
    def encrypts(self) -> bool:
        """Whether requests are encrypted."""
        return self.user is not None and self.user.priv_key is not None


class Agent:
    """One agent, asked one thing at a time.

    `login` is called at each new session, so that a rotated secret counts from the next one on. A
    request is sent at most `attempts` times, each awaited for `attempt_timeout_s`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        login: Callable[[], Login],
        attempts: int,
        attempt_timeout_s: float,
    ) -> None:
        self._host, self._port = host, port
        self._login = login
        self._attempts = attempts
        self._attempt_timeout_s = attempt_timeout_s
        self._session: SnmpSession | None = None
        self._answered_s = 0.0
        self._silences = 0
        self._named_in_vain = 0
        self._batch = OBJECTS_LIMIT

    @property
    def known(self) -> bool:
        """Whether the agent has answered on what is open now."""
        return self._session is not None

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Read objects; those that the agent does not show are left out.

        All in one request, or in as many as the agent can answer: an answer without any object is
        how `tooBig` looks, and in version 1 an object that is missing (RFC 1157, section 4.1.2).

        Raises:
            ReadError: timeout, refused, unreachable, name_unresolved, auth_failed, bad_reply, or
                what `login` raises.
        """
        batch = self._batch
        while True:
            found, asked = await self._get_by(batch, oids)
            if found is not None:
                break
            batch = asked // 2
        if len(found) == len(oids):
            # What was too much once would be again; what was missing is no reason to ask for less.
            self._batch = batch
        return found

    async def walk(self, column: str) -> dict[str, Value]:
        """Read every object under one, by its number.

        Raises:
            ReadError: as `get` does.
        """
        return await self._ask(lambda session: _walked(session, column))

    def close(self) -> None:
        """Let the session go, and its socket with it; the next request opens another."""
        self._session = None
        self._batch = OBJECTS_LIMIT

    async def _get_by(self, batch: int, oids: Sequence[str]) -> tuple[dict[str, Value] | None, int]:
        """Read so many objects a request; None where fewer at once may find more."""
        found: dict[str, Value] = {}
        for start in range(0, len(oids), batch):
            part = oids[start : start + batch]
            answer = await self._ask(_getting(part))
            if not answer and len(part) > 1:
                return None, len(part)
            found |= answer
        return found, batch

    async def _ask(self, request: Callable[[SnmpSession], Awaitable[T]]) -> T:
        attempts_left = self._attempts
        while True:
            kept = self._session is not None
            try:
                answer = await request(await self._ready())
            except SnmpAuthError:
                # So do a restarted agent (its clock), a replaced one and a rotated secret look.
                self.close()
                if not kept:
                    raise _refused_login() from None
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                fault = self._fault(error)
                attempts_left -= 1
                if not attempts_left:
                    raise fault from None
            else:
                self._answered_s = time.monotonic()
                self._silences = self._named_in_vain = 0
                return answer

    async def _ready(self) -> SnmpSession:
        if self._session is None:
            self._session = await self._opened()
        elif time.monotonic() - self._answered_s > IDLE_S:
            # RFC 3414, 2.2.3: the agent's clock as we know it is too old to be believed.
            await self._session.refresh()
        return self._session

    async def _opened(self) -> SnmpSession:
        login = self._login()
        session = SnmpSession(
            await _resolved(self._host, self._port),
            self._port,
            community=login.community,
            user=login.user,
            version=login.version,
            timeout=self._attempt_timeout_s,
        )
        try:
            await session.refresh()
        except TimeoutError:
            named = login.encrypts and bool(session.get_engine_id())
            self._named_in_vain = self._named_in_vain + 1 if named else 0
            raise
        return session

    def _fault(self, error: BaseException) -> ReadError:
        """Take note of what went wrong, and tell it; raises again what is not the peer's doing."""
        said = str(error.__cause__ or error)
        if type(error).__name__ == "PanicException":
            # Raised by gufo's core (it is no Exception) at packets that nobody should send.
            self.close()
            return ReadError(Reason.BAD_REPLY, "the answer is not SNMP")
        if isinstance(error, OSError) and "refused" in said:
            return ReadError(Reason.REFUSED, f"nothing listens at UDP port {self._port}")
        if isinstance(error, TimeoutError):
            return self._silence()
        if isinstance(error, OSError):
            return ReadError(Reason.UNREACHABLE, said)
        if isinstance(error, SnmpError):
            return ReadError(Reason.BAD_REPLY, f"the answer is not SNMP as it should be: {said}")
        raise error

    def _silence(self) -> ReadError:
        self._silences += 1
        if self._silences >= SILENCES:
            # A replaced agent answers to its own engine's name only, and a name may have moved.
            self.close()
            self._silences = 0
        if self._named_in_vain:
            certain = self._named_in_vain >= NAMED_IN_VAIN
            told = "the agent tells its name but answers no encrypted request: check privPassword"
            return ReadError(
                Reason.AUTH_FAILED if certain else Reason.TIMEOUT,
                f"{told} and privacy{'' if certain else ', or packets are being lost'}",
            )
        told = f"no answer to {self._attempts} requests"
        return ReadError(Reason.TIMEOUT, f"{told}; agents meet a wrong community with silence too")


def _getting(oids: Sequence[str]) -> Callable[[SnmpSession], Awaitable[dict[str, Value]]]:
    async def get(session: SnmpSession) -> dict[str, Value]:
        return cast(dict[str, Value], await session.get_many(oids))

    return get


async def _walked(session: SnmpSession, column: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    async for oid, value in session.fetch(column):
        if oid in found or len(found) == ROWS_LIMIT:
            raise ReadError(Reason.BAD_REPLY, f"the agent finds no end of {column}")
        if value is not None:
            found[oid] = value
    return found


async def _resolved(host: str, port: int) -> str:
    """Give the first address of a host, as a numeric text with the scope of link-local ones."""
    loop = asyncio.get_running_loop()
    try:
        (_, _, _, _, address), *_ = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (socket.gaierror, UnicodeError) as error:
        raise ReadError(Reason.NAME_UNRESOLVED, f"{host}: {error}") from None
    plain = str(address[0]).partition("%")[0]
    return f"{plain}%{address[3]}" if len(address) == 4 and address[3] else plain


def _refused_login() -> ReadError:
    told = "the agent refuses this user: check username, authPassword, and the settings level,"
    return ReadError(Reason.AUTH_FAILED, f"{told} auth and privacy")
