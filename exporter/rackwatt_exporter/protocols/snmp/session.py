"""SNMP session with one agent: its socket, its messages, and the meaning of reports."""

import itertools
import os
from collections.abc import Sequence
from functools import partial

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.keys import User
from rackwatt_exporter.protocols.snmp.message import CommunityMessages, Messages, UserMessages
from rackwatt_exporter.protocols.snmp.pdu import REPORT, SnmpResponse
from rackwatt_exporter.protocols.udp.datagram_socket import DatagramSocket
from rackwatt_exporter.protocols.udp.resolver import resolve
from rackwatt_exporter.reading import Reason

_LARGEST_NUMBER = 2**31 - 1
# RFC 3414, section 5: counters of an engine, which its reports contain.
_USM_STATS = "1.3.6.1.6.3.15.1.1."
_NOT_IN_WINDOW, _UNKNOWN_ENGINE = f"{_USM_STATS}2.0", f"{_USM_STATS}4.0"
_REFUSALS = {
    f"{_USM_STATS}1.0": "does not offer this user the level that is set: check level",
    f"{_USM_STATS}3.0": "knows no such user: check username",
    f"{_USM_STATS}5.0": "finds the signature wrong: check authPassword and auth",
    f"{_USM_STATS}6.0": "cannot decrypt requests: check privPassword and privacy",
}


# Credentials: a version number with a community, or a user with its keys.
Login = tuple[int, bytes] | User


class RefusedError(Exception):
    """The agent refuses the user, or has another identity; with what its report says."""

    def __init__(self, words: str, reason: Reason = Reason.AUTH_FAILED) -> None:
        super().__init__(words)
        self.reason = reason


class SnmpSession:
    """State of an agent between requests; one request at a time."""

    def __init__(self, sock: DatagramSocket[SnmpResponse], messages: Messages) -> None:
        self._socket = sock
        self._messages = messages
        self._numbers = itertools.count(int.from_bytes(os.urandom(4)))
        self.responded = False

    @property
    def discovered_only(self) -> bool:
        """Whether the agent responded to discovery, and to no encrypted request."""
        messages = self._messages
        return isinstance(messages, UserMessages) and messages.encrypts and not self.responded

    @property
    def may_be_unknown(self) -> bool:
        """Whether silence may mean a wrong community."""
        return isinstance(self._messages, CommunityMessages) and not self.responded

    async def discover(self, timeout_s: float) -> None:
        """Learn the engine's id and clock, where the version has engines.

        Raises:
            TimeoutError, OSError, ValueError: as `DatagramSocket.exchange` does.
        """
        if isinstance(self._messages, UserMessages):
            number = self._number()
            packet = self._messages.discovery(number)
            opened = partial(self._messages.decode, number)
            await self._socket.exchange(packet, opened, timeout_s)

    async def request(
        self, kind: int, oids: Sequence[str], repetitions: int, timeout_s: float
    ) -> SnmpResponse:
        """Send a request and return its response.

        Raises:
            RefusedError: a report states why there is none.
            TimeoutError, OSError, ValueError: as `DatagramSocket.exchange` does.
        """
        response = await self._exchange(kind, oids, repetitions, timeout_s)
        if response.kind == REPORT and _reported(response) == _NOT_IN_WINDOW:
            # The agent restarted, and its report has set our copy of its clock.
            response = await self._exchange(kind, oids, repetitions, timeout_s)
        if response.kind == REPORT:
            raise _refusal(_reported(response))
        self.responded = True
        return response

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def _exchange(
        self, kind: int, oids: Sequence[str], repetitions: int, timeout_s: float
    ) -> SnmpResponse:
        number = self._number()
        packet = self._messages.encode(number, kind, oids, repetitions)
        return await self._socket.exchange(
            packet, partial(self._messages.decode, number), timeout_s
        )

    def _number(self) -> int:
        return next(self._numbers) & _LARGEST_NUMBER


async def open_session(host: str, port: int, login: Login) -> SnmpSession:
    """Open a socket to an agent, for a version with its community, or for a user.

    Raises:
        ReadError: name_unresolved.
        OSError: an error of the network.
    """
    messages: Messages
    messages = UserMessages(login) if isinstance(login, User) else CommunityMessages(*login)
    return SnmpSession(DatagramSocket(*await resolve(host, port)), messages)


def _reported(report: SnmpResponse) -> str:
    return report.objects[0][0] if report.objects else ""


def _refusal(reported: str) -> RefusedError | ber.BerError:
    if reported == _UNKNOWN_ENGINE:
        return RefusedError("has another engine id than before", Reason.BAD_REPLY)
    if reported in _REFUSALS:
        return RefusedError(_REFUSALS[reported])
    return ber.BerError(f"a report of {reported or 'nothing'}")
