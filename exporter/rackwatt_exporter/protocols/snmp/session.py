"""One conversation with an agent: its socket, how messages are wrapped, and what reports mean."""

import itertools
import os
from collections.abc import Sequence
from functools import partial

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.keys import User
from rackwatt_exporter.protocols.snmp.message import CommunityMessages, Messages, UserMessages
from rackwatt_exporter.protocols.snmp.pdu import REPORT, SnmpResponse
from rackwatt_exporter.protocols.udp.datagram_socket import Datagrams
from rackwatt_exporter.protocols.udp.resolver import resolve
from rackwatt_exporter.reading import Reason

_LARGEST_NUMBER = 2**31 - 1
# RFC 3414, section 5: what an engine counts when it does not answer.
_USM_STATS = "1.3.6.1.6.3.15.1.1."
_NOT_IN_WINDOW, _UNKNOWN_ENGINE = f"{_USM_STATS}2.0", f"{_USM_STATS}4.0"
_REFUSALS = {
    f"{_USM_STATS}1.0": "does not offer this user the level that is set: check level",
    f"{_USM_STATS}3.0": "knows no such user: check username",
    f"{_USM_STATS}5.0": "finds the signature wrong: check authPassword and auth",
    f"{_USM_STATS}6.0": "cannot decrypt requests: check privPassword and privacy",
}


# What lets us in: a version's number with a community, or a user with its keys.
Login = tuple[int, bytes] | User


class RefusedError(Exception):
    """The agent refuses a user, or what was known of it is no longer so; with what it says."""

    def __init__(self, words: str, reason: Reason = Reason.AUTH_FAILED) -> None:
        super().__init__(words)
        self.reason = reason


class SnmpSession:
    """What is kept of an agent between requests; one request at a time."""

    def __init__(self, sock: Datagrams[SnmpResponse], messages: Messages) -> None:
        self._socket = sock
        self._messages = messages
        self._numbers = itertools.count(int.from_bytes(os.urandom(4)))
        self.answered = False

    @property
    def named_only(self) -> bool:
        """Whether the agent said its name, and has answered no encrypted request."""
        messages = self._messages
        return isinstance(messages, UserMessages) and messages.encrypts and not self.answered

    @property
    def may_be_unknown(self) -> bool:
        """Whether silence may mean a wrong community."""
        return isinstance(self._messages, CommunityMessages) and not self.answered

    async def discover(self, timeout_s: float) -> None:
        """Learn the engine's name and clock, where the version has engines.

        Raises:
            TimeoutError, OSError, ValueError: as `Datagrams.exchange` does.
        """
        if isinstance(self._messages, UserMessages):
            number = self._number()
            packet = self._messages.discovery(number)
            opened = partial(self._messages.opened, number)
            await self._socket.exchange(packet, opened, timeout_s)

    async def ask(
        self, kind: int, oids: Sequence[str], repetitions: int, timeout_s: float
    ) -> SnmpResponse:
        """Send a request and give its response.

        Raises:
            RefusedError: a report says why there is none.
            TimeoutError, OSError, ValueError: as `Datagrams.exchange` does.
        """
        answer = await self._exchange(kind, oids, repetitions, timeout_s)
        if answer.kind == REPORT and _reported(answer) == _NOT_IN_WINDOW:
            # The agent restarted, and has just said what its clock shows.
            answer = await self._exchange(kind, oids, repetitions, timeout_s)
        if answer.kind == REPORT:
            raise _refusal(_reported(answer))
        self.answered = True
        return answer

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    async def _exchange(
        self, kind: int, oids: Sequence[str], repetitions: int, timeout_s: float
    ) -> SnmpResponse:
        number = self._number()
        packet = self._messages.sealed(number, kind, oids, repetitions)
        return await self._socket.exchange(
            packet, partial(self._messages.opened, number), timeout_s
        )

    def _number(self) -> int:
        return next(self._numbers) & _LARGEST_NUMBER


async def opened_session(host: str, port: int, login: Login) -> SnmpSession:
    """Open a socket to an agent, for a version with its community, or for a user.

    Raises:
        ReadError: name_unresolved.
        OSError: what the network says.
    """
    messages: Messages
    messages = UserMessages(login) if isinstance(login, User) else CommunityMessages(*login)
    return SnmpSession(Datagrams(*await resolve(host, port)), messages)


def _reported(report: SnmpResponse) -> str:
    return report.objects[0][0] if report.objects else ""


def _refusal(reported: str) -> RefusedError | ber.BerError:
    if reported == _UNKNOWN_ENGINE:
        return RefusedError("says that it is another than it was", Reason.BAD_REPLY)
    if reported in _REFUSALS:
        return RefusedError(_REFUSALS[reported])
    return ber.BerError(f"a report of {reported or 'nothing'}")
