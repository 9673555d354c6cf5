"""Messages around requests and responses: a community's (RFC 1901), or a user's (RFC 3412, 3414).

A number of ours is in each request and in what answers it, signed where messages are. It counts up
from a random start, so that no message recorded earlier has it: an answer with the number is fresh,
and the clocks of RFC 3414, section 3.2, say nothing more of it.
"""

import hmac
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.keys import Keys, User
from rackwatt_exporter.protocols.snmp.pdu import GET, REPORT, SnmpResponse, request, response, whole

V1, V2C, _V3 = 0, 1, 3
_USM = _VERSION_3 = ber.integer(3)
_LARGEST = ber.integer(65507)
_SIGNED, _ENCRYPTED, _REPORTABLE = 0x01, 0x02, 0x04
_LONGEST_ENGINE_ID = 32  # RFC 3411, section 5


class Messages(Protocol):
    """How requests are wrapped for one agent, and what comes back is opened."""

    def sealed(self, number: int, kind: int, oids: Sequence[str], repetitions: int) -> bytes:
        """Write the message of a request."""
        ...

    def opened(self, number: int, packet: bytes) -> SnmpResponse | None:
        """Open the answer to the request of a number; None for any other packet.

        Raises:
            ValueError: the packet is not SNMP.
        """
        ...


class CommunityMessages:
    """Messages of versions 1 and 2c."""

    def __init__(self, version: int, community: bytes) -> None:
        self._head = ber.integer(version) + ber.octets(community)

    def sealed(self, number: int, kind: int, oids: Sequence[str], repetitions: int) -> bytes:
        """Write the message of a request."""
        pdu = request(kind, number, oids, repetitions)
        return ber.encoded(ber.SEQUENCE, self._head + pdu)

    def opened(self, number: int, packet: bytes) -> SnmpResponse | None:
        """Open the answer to the request of a number; None for any other packet."""
        at, limit = ber.content(packet, 0, len(packet), ber.SEQUENCE)
        version, at = whole(packet, at, limit)
        if version not in (V1, V2C):
            raise ber.BerError(f"a message of version {version}")
        _, at = ber.content(packet, at, limit, ber.OCTETS)
        return response(packet, at, limit, number)


class _Envelope(NamedTuple):
    """What is around the scoped PDU of a message, and where in the packet that is."""

    number: int
    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    signature: tuple[int, int]
    salt: bytes
    payload: tuple[int, int]


class UserMessages:
    """Messages of version 3: of one user at one engine, whose name is in its first answer."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._level = _SIGNED * user.signs | _ENCRYPTED * user.encrypts
        self._engine_id = b""
        self._keys: Keys | None = None
        self._boots, self._ahead_s = 0, 0.0
        # What is the same in every message, encoded: the engine's name, how often it started, the
        # user's name with zeros in place of a signature.
        self._engine, self._starts, self._who = b"\x04\x00", ber.integer(0), b"\x04\x00" * 2

    @property
    def encrypts(self) -> bool:
        """Whether requests are encrypted."""
        return self._user.encrypts

    def discovery(self, number: int) -> bytes:
        """Write the message that an engine answers with its name (RFC 3414, section 4)."""
        scoped = ber.sequence(ber.octets(b""), ber.octets(b""), request(GET, number, ()))
        return self._message(number, _REPORTABLE, 0, b"", scoped)

    def sealed(self, number: int, kind: int, oids: Sequence[str], repetitions: int) -> bytes:
        """Write the message of a request."""
        assert self._keys is not None  # noqa: S101 - discovery comes first
        pdu = request(kind, number, oids, repetitions)
        scoped = ber.encoded(ber.SEQUENCE, self._engine + b"\x04\x00" + pdu)
        time_s = int(time.monotonic() + self._ahead_s)
        salt = b""
        if self._user.encrypts:
            salt, secret = self._keys.encrypted(scoped, self._boots, time_s)
            scoped = ber.octets(secret)
        message = self._message(number, self._level | _REPORTABLE, time_s, salt, scoped)
        if not self._user.signs:
            return message
        # Its place ends where the salt's element begins.
        end = len(message) - len(scoped) - len(salt) - 2
        signature = self._keys.signature(message)
        return message[: end - len(signature)] + signature + message[end:]

    def opened(self, number: int, packet: bytes) -> SnmpResponse | None:
        """Open the answer to the request of a number; None for what is no or no true answer."""
        found = _envelope(packet)
        if found.number != number or not self._is_true(found, packet):
            return None
        data, (at, limit) = packet, found.payload
        if found.flags & _ENCRYPTED:
            data = self._decrypted(found, packet)
            at, limit = 0, len(data)
        at, limit = ber.content(data, at, limit, ber.SEQUENCE)
        _, at = ber.content(data, at, limit, ber.OCTETS)
        _, at = ber.content(data, at, limit, ber.OCTETS)
        answer = response(data, at, limit, number)
        if answer is None:
            return None
        if answer.kind == REPORT:
            self._learn(found)
        elif found.flags & self._level != self._level:
            return None
        return answer

    def _is_true(self, found: _Envelope, packet: bytes) -> bool:
        if not found.flags & _SIGNED:
            return True
        if self._keys is None or found.engine_id != self._engine_id:
            return False
        start, end = found.signature
        if end - start != self._keys.signature_length:
            return False
        unsigned = packet[:start] + bytes(end - start) + packet[end:]
        return hmac.compare_digest(self._keys.signature(unsigned), packet[start:end])

    def _decrypted(self, found: _Envelope, packet: bytes) -> bytes:
        if self._keys is None or not self._user.encrypts or not found.flags & _SIGNED:
            raise ber.BerError("an encrypted answer to what was not encrypted")
        start, end = ber.content(packet, *found.payload, ber.OCTETS)
        return self._keys.decrypted(packet[start:end], found.boots, found.time_s, found.salt)

    def _learn(self, found: _Envelope) -> None:
        """Take the engine's name once, and its clock from each report."""
        if self._keys is None:
            if not 0 < len(found.engine_id) <= _LONGEST_ENGINE_ID:
                raise ber.BerError("an engine without a name")
            self._engine_id = found.engine_id
            self._keys = Keys(self._user, found.engine_id)
            self._engine = ber.octets(found.engine_id)
            place = bytes(self._keys.signature_length)
            self._who = ber.octets(self._user.name) + ber.octets(place)
        if found.engine_id == self._engine_id:
            self._starts = ber.integer(found.boots)
            self._boots, self._ahead_s = found.boots, found.time_s - time.monotonic()

    def _message(self, number: int, flags: int, time_s: int, salt: bytes, scoped: bytes) -> bytes:
        head = ber.integer(number) + _LARGEST + bytes((ber.OCTETS, 1, flags)) + _USM
        clock = self._engine + self._starts + ber.integer(time_s)
        security = ber.encoded(ber.SEQUENCE, clock + self._who + ber.octets(salt))
        parts = _VERSION_3 + ber.encoded(ber.SEQUENCE, head) + ber.octets(security) + scoped
        return ber.encoded(ber.SEQUENCE, parts)


def _envelope(packet: bytes) -> _Envelope:
    content = ber.content
    at, limit = content(packet, 0, len(packet), ber.SEQUENCE)
    version, at = whole(packet, at, limit)
    if version != _V3:
        raise ber.BerError(f"a message of version {version}")
    at, end = content(packet, at, limit, ber.SEQUENCE)
    number, at = whole(packet, at, end)
    _, at = whole(packet, at, end)
    start, at = content(packet, at, end, ber.OCTETS)
    if at - start != 1 or packet[at:end] != _USM:
        raise ber.BerError("another security model")
    flags = packet[start]
    at, rest = content(packet, end, limit, ber.OCTETS)
    at, end = content(packet, at, rest, ber.SEQUENCE)
    start, at = content(packet, at, end, ber.OCTETS)
    engine_id = packet[start:at]
    boots, at = whole(packet, at, end)
    time_s, at = whole(packet, at, end)
    if boots < 0 or time_s < 0:
        raise ber.BerError("a clock below zero")
    _, at = content(packet, at, end, ber.OCTETS)
    start, at = signature = content(packet, at, end, ber.OCTETS)
    start, at = content(packet, at, end, ber.OCTETS)
    salt = packet[start:at]
    return _Envelope(number, flags, engine_id, boots, time_s, signature, salt, (rest, limit))
