"""Simulated SNMP agent: versions 1 and 2c by its community, version 3 by its user.

In version 3 clients choose authentication by SHA-1 to SHA-512, and encryption by AES-128. Without
authentication it reports only its engine id and clock.
"""

import hmac
import socket
import time
from collections.abc import Mapping
from typing import NamedTuple

from rackwatt_exporter import ber
from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.loopback_udp import LoopbackServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.snmp.pdu import REPORT, answer, parse, response
from rackwatt_exporter.simulator.snmp.tree import Tree, machine_tree
from rackwatt_exporter.simulator.snmp.usm import HASHES, UserKeys

_V3, _USM = 3, 3
_AUTH, _PRIV = 0x01, 0x02
_WINDOW_S = 150
_MAX_MESSAGE = 65507
_MAX_NUMBER = 2**31 - 1  # of a message (RFC 3412, section 6)
# RFC 3411, section 5: enterprise 32473 (kept for examples by RFC 5612), then what follows: an
# IPv4 address, or octets of the vendor's choice.
_ENTERPRISE = bytes.fromhex("80007ed9")
_IS_ADDRESS, _IS_OCTETS = b"\x01", b"\x05"
_USM_STATS = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_UNSUPPORTED_LEVEL, _NOT_IN_WINDOW, _UNKNOWN_USER, _UNKNOWN_ENGINE, _WRONG_DIGEST, _UNDECRYPTED = (
    range(1, 7)
)


class _Message(NamedTuple):
    """A parsed message of version 3."""

    number: int
    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes
    signature: ber.Element
    salt: bytes
    payload: ber.Element


class _RefusedError(Exception):
    """The response to a request is a report; `flags` say how that is protected."""

    def __init__(self, counter: int, flags: int = 0) -> None:
        super().__init__(counter)
        self.counter = counter
        self.flags = flags


class SimulatedAgent:
    """The SNMP agent of one machine, whose objects are those of `tree` where one is given."""

    def __init__(self, machine: SimulatedMachine, tree: Tree | None = None) -> None:
        self._machine = machine
        self._tree = tree or machine_tree(machine)
        # Higher at each start, as required, without a file.
        self._boots = int(time.time()) & 0x7FFFFFFF
        self._started_s = time.monotonic()
        self._reports = 0

    @property
    def engine_id(self) -> bytes:
        """Engine id; a replaced agent has another one."""
        address, engine = socket.inet_aton(self._machine.address), self._machine.engine
        if not engine:
            return _ENTERPRISE + _IS_ADDRESS + address
        return _ENTERPRISE + _IS_OCTETS + bytes((engine,)) + address

    def restart(self) -> None:
        """Restart the clock, with one boot more."""
        self._boots += 1
        self._started_s = time.monotonic()

    @property
    def _keys(self) -> UserKeys:
        login = self._machine.login
        return UserKeys(login.auth_password, login.priv_password, self.engine_id)

    def answer(self, data: bytes) -> bytes | None:
        """Return the response to a packet; None where an agent does not respond."""
        try:
            version, second, third, *rest = ber.element(data).expect(ber.SEQUENCE).children()
            if version.integer == _V3:
                return self._answer_v3(_parse(second, third, rest))
            return self._answer_community(version.integer, second.octets, third)
        except ValueError:
            return None

    def _answer_community(self, version: int, community: bytes, pdu: ber.Element) -> bytes | None:
        expected = self._machine.login.community.encode()
        if version not in (0, 1) or not hmac.compare_digest(community, expected):
            return None
        reply = answer(parse(pdu), self._tree, version)
        return ber.sequence(ber.integer(version), ber.octets(community), reply)

    def _answer_v3(self, message: _Message) -> bytes:
        try:
            pdu = self._unwrap(message)
            reply = answer(parse(pdu), self._tree, _V3)
            return self._wrap(message, message.flags & (_AUTH | _PRIV), reply)
        except _RefusedError as refused:
            self._reports += 1
            counter = (*_USM_STATS, refused.counter, 0)
            count = ber.integer(self._reports, ber.COUNTER)
            report = response(_number(message), [(counter, count)], kind=REPORT)
            return self._wrap(message, refused.flags, report)

    def _unwrap(self, message: _Message) -> ber.Element:
        """Return the request of a message, after the checks of RFC 3414, section 3.2, in order."""
        if message.engine_id != self.engine_id:
            raise _RefusedError(_UNKNOWN_ENGINE)
        if message.user != self._machine.login.username.encode():
            raise _RefusedError(_UNKNOWN_USER)
        if not message.flags & _AUTH:
            raise _RefusedError(_UNSUPPORTED_LEVEL)
        if not self._is_signed(message.signature):
            raise _RefusedError(_WRONG_DIGEST)
        if message.boots != self._boots or abs(message.time_s - self._time_s) > _WINDOW_S:
            raise _RefusedError(_NOT_IN_WINDOW, _AUTH)
        return _pdu(self._decrypted(message) if message.flags & _PRIV else message.payload)

    def _is_signed(self, signature: ber.Element) -> bool:
        length = signature.end - signature.start
        if length not in HASHES:
            return False
        whole = signature.data
        unsigned = whole[: signature.start] + bytes(length) + whole[signature.end :]
        return hmac.compare_digest(self._keys.signature(unsigned, length), signature.content)

    def _decrypted(self, message: _Message) -> ber.Element:
        length = message.signature.end - message.signature.start
        if len(message.salt) != 8:
            raise _RefusedError(_UNDECRYPTED, _AUTH)
        plain = self._keys.decrypt(
            message.payload.octets, length, message.boots, message.time_s, message.salt
        )
        return ber.element(plain)

    def _wrap(self, message: _Message, flags: int, pdu: bytes) -> bytes:
        """Wrap a PDU, encrypted and signed as the flags say, with the hash of the client."""
        scoped = ber.sequence(ber.octets(self.engine_id), ber.octets(b""), pdu)
        length = message.signature.end - message.signature.start if flags & _AUTH else 0
        boots, time_s, salt = self._boots, self._time_s, b""
        if flags & _PRIV:
            salt, secret = self._keys.encrypt(scoped, length, boots, time_s)
            scoped = ber.octets(secret)

        def signed(signature: bytes) -> bytes:
            words = map(ber.octets, (message.user, signature, salt))
            clock = map(ber.integer, (boots, time_s))
            security = ber.sequence(ber.octets(self.engine_id), *clock, *words)
            head = ber.sequence(
                ber.integer(message.number),
                ber.integer(_MAX_MESSAGE),
                ber.octets(bytes((flags,))),
                ber.integer(_USM),
            )
            return ber.sequence(ber.integer(_V3), head, ber.octets(security), scoped)

        unsigned = signed(bytes(length))
        return signed(self._keys.signature(unsigned, length)) if flags & _AUTH else unsigned

    @property
    def _time_s(self) -> int:
        return int(time.monotonic() - self._started_s)


def _parse(head: ber.Element, security: ber.Element, rest: list[ber.Element]) -> _Message:
    (payload,) = rest
    number, _, flags, model = head.expect(ber.SEQUENCE).children(
        ber.INTEGER, ber.INTEGER, ber.OCTETS, ber.INTEGER
    )
    if model.integer != _USM or len(flags.content) != 1:
        raise ber.BerError("another security model")
    inner = ber.element(security.data, security.expect(ber.OCTETS).start, security.end)
    engine, boots, time_s, user, signature, salt = inner.expect(ber.SEQUENCE).children(
        ber.OCTETS, ber.INTEGER, ber.INTEGER, ber.OCTETS, ber.OCTETS, ber.OCTETS
    )
    if boots.integer < 0 or time_s.integer < 0:
        raise ber.BerError("a clock below zero")
    if not 0 <= number.integer <= _MAX_NUMBER:
        raise ber.BerError("a message number out of range")
    return _Message(
        number.integer,
        flags.content[0],
        engine.octets,
        boots.integer,
        time_s.integer,
        user.octets,
        signature,
        salt.octets,
        payload,
    )


def _pdu(scoped: ber.Element) -> ber.Element:
    _, _, pdu = scoped.expect(ber.SEQUENCE).children(ber.OCTETS, ber.OCTETS, 0)
    return pdu


def _number(message: _Message) -> int:
    """Return the request's own number for a report, if it can be parsed (RFC 3412, 7.1)."""
    try:
        return 0 if message.flags & _PRIV else parse(_pdu(message.payload)).number
    except ber.BerError:
        return 0


class SnmpServer(LoopbackServer):
    """The agents of `machines`, which are keyed by their IPv4 loopback address, at one UDP port."""

    def __init__(
        self, machines: Mapping[str, SimulatedMachine], port: int, faults: Faults | None = None
    ) -> None:
        devices = {address: SimulatedAgent(machine) for address, machine in machines.items()}
        super().__init__(devices, port, faults)
