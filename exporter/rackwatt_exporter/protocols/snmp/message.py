"""Messages of requests and responses: a community's (RFC 1901), or a user's (RFC 3412, 3414).

Each request has a number that its response repeats, signed where messages are signed. It counts up
from a random start, so that no message recorded earlier has it: a response with the number is
fresh, and the clocks of RFC 3414, section 3.2, add nothing.
"""

import hmac
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.keys import Keys, User
from rackwatt_exporter.protocols.snmp.pdu import (
    GET,
    REPORT,
    SnmpResponse,
    read_integer,
    request,
    response,
)

V1, V2C, _V3 = 0, 1, 3
_USM = _VERSION_3 = ber.integer(3)
_MAX_SIZE = ber.integer(65507)
_SIGNED, _ENCRYPTED, _REPORTABLE = 0x01, 0x02, 0x04
_MAX_ENGINE_ID = 32  # RFC 3411, section 5


class Messages(Protocol):
    """Encoder of requests to one agent, and decoder of its responses."""

    def encode(self, number: int, kind: int, oids: Sequence[str], repetitions: int) -> bytes:
        """Encode the message of a request."""
        ...

    def decode(self, number: int, packet: bytes) -> SnmpResponse | None:
        """Decode the response to the request of a number; None for any other packet.

        Raises:
            ValueError: the packet is not SNMP.
        """
        ...


class CommunityMessages:
    """Messages of versions 1 and 2c."""

    def __init__(self, version: int, community: bytes) -> None:
        self._head = ber.integer(version) + ber.octets(community)

    def encode(self, number: int, kind: int, oids: Sequence[str], repetitions: int) -> bytes:
        """Encode the message of a request."""
        pdu = request(kind, number, oids, repetitions)
        return ber.encoded(ber.SEQUENCE, self._head + pdu)

    def decode(self, number: int, packet: bytes) -> SnmpResponse | None:
        """Decode the response to the request of a number; None for any other packet."""
        at, limit = ber.content(packet, 0, len(packet), ber.SEQUENCE)
        version, at = read_integer(packet, at, limit)
        if version not in (V1, V2C):
            raise ber.BerError(f"a message of version {version}")
        _, at = ber.content(packet, at, limit, ber.OCTETS)
        return response(packet, at, limit, number)


class _Envelope(NamedTuple):
    """Header of a message, and the offsets of its signature and its scoped PDU."""

    number: int
    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    signature: tuple[int, int]
    salt: bytes
    payload: tuple[int, int]


class UserMessages:
    """Messages of version 3: of one user at one engine, whose id is in its first response."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._level = _SIGNED * user.signs | _ENCRYPTED * user.encrypts
        self._engine_id = b""
        self._keys: Keys | None = None
        self._boots, self._ahead_s = 0, 0.0
        # What is the same in every message, encoded: engine id, number of boots, and the user's
        # name with zeros in place of a signature.
        self._engine, self._encoded_boots, self._identity = (
            b"\x04\x00",
            ber.integer(0),
            b"\x04\x00" * 2,
        )

    @property
    def encrypts(self) -> bool:
        """Whether requests are encrypted."""
        return self._user.encrypts

    def discovery(self, number: int) -> bytes:
        """Encode the message to which an engine responds with its id (RFC 3414, section 4)."""
        scoped = ber.sequence(ber.octets(b""), ber.octets(b""), request(GET, number, ()))
        return self._message(number, _REPORTABLE, 0, b"", scoped)

    def encode(self, number: int, kind: int, oids: Sequence[str], repetitions: int) -> bytes:
        """Encode the message of a request."""
        assert self._keys is not None  # noqa: S101 - discovery comes first
        pdu = request(kind, number, oids, repetitions)
        scoped = ber.encoded(ber.SEQUENCE, self._engine + b"\x04\x00" + pdu)
        time_s = int(time.monotonic() + self._ahead_s)
        salt = b""
        if self._user.encrypts:
            salt, secret = self._keys.encrypt(scoped, self._boots, time_s)
            scoped = ber.octets(secret)
        message = self._message(number, self._level | _REPORTABLE, time_s, salt, scoped)
        if not self._user.signs:
            return message
        # The signature's field ends where the salt's element starts.
        end = len(message) - len(scoped) - len(salt) - 2
        signature = self._keys.signature(message)
        return message[: end - len(signature)] + signature + message[end:]

    def decode(self, number: int, packet: bytes) -> SnmpResponse | None:
        """Decode the response to the request of a number; None for another, or a forged one."""
        envelope = _envelope(packet)
        if envelope.number != number or not self._is_authentic(envelope, packet):
            return None
        data, (at, limit) = packet, envelope.payload
        if envelope.flags & _ENCRYPTED:
            data = self._decrypt(envelope, packet)
            at, limit = 0, len(data)
        at, limit = ber.content(data, at, limit, ber.SEQUENCE)
        _, at = ber.content(data, at, limit, ber.OCTETS)
        _, at = ber.content(data, at, limit, ber.OCTETS)
        message = response(data, at, limit, number)
        if message is None:
            return None
        if message.kind == REPORT:
            self._learn(envelope)
        elif envelope.flags & self._level != self._level:
            return None
        return message

    def _is_authentic(self, envelope: _Envelope, packet: bytes) -> bool:
        if not envelope.flags & _SIGNED:
            return True
        if self._keys is None or envelope.engine_id != self._engine_id:
            return False
        start, end = envelope.signature
        if end - start != self._keys.signature_length:
            return False
        unsigned = packet[:start] + bytes(end - start) + packet[end:]
        return hmac.compare_digest(self._keys.signature(unsigned), packet[start:end])

    def _decrypt(self, envelope: _Envelope, packet: bytes) -> bytes:
        if self._keys is None or not self._user.encrypts or not envelope.flags & _SIGNED:
            raise ber.BerError("an encrypted response to a request that was not encrypted")
        start, end = ber.content(packet, *envelope.payload, ber.OCTETS)
        return self._keys.decrypt(packet[start:end], envelope.boots, envelope.time_s, envelope.salt)

    def _learn(self, envelope: _Envelope) -> None:
        """Take the engine's id once, and its clock from each report."""
        if self._keys is None:
            if not 0 < len(envelope.engine_id) <= _MAX_ENGINE_ID:
                raise ber.BerError("an engine without an id")
            self._engine_id = envelope.engine_id
            self._keys = Keys(self._user, envelope.engine_id)
            self._engine = ber.octets(envelope.engine_id)
            zeros = bytes(self._keys.signature_length)
            self._identity = ber.octets(self._user.name) + ber.octets(zeros)
        if envelope.engine_id == self._engine_id:
            self._encoded_boots = ber.integer(envelope.boots)
            self._boots, self._ahead_s = envelope.boots, envelope.time_s - time.monotonic()

    def _message(self, number: int, flags: int, time_s: int, salt: bytes, scoped: bytes) -> bytes:
        head = ber.integer(number) + _MAX_SIZE + bytes((ber.OCTETS, 1, flags)) + _USM
        clock = self._engine + self._encoded_boots + ber.integer(time_s)
        security = ber.encoded(ber.SEQUENCE, clock + self._identity + ber.octets(salt))
        parts = _VERSION_3 + ber.encoded(ber.SEQUENCE, head) + ber.octets(security) + scoped
        return ber.encoded(ber.SEQUENCE, parts)


def _envelope(packet: bytes) -> _Envelope:
    content = ber.content
    at, limit = content(packet, 0, len(packet), ber.SEQUENCE)
    version, at = read_integer(packet, at, limit)
    if version != _V3:
        raise ber.BerError(f"a message of version {version}")
    at, end = content(packet, at, limit, ber.SEQUENCE)
    number, at = read_integer(packet, at, end)
    _, at = read_integer(packet, at, end)
    start, at = content(packet, at, end, ber.OCTETS)
    if at - start != 1 or packet[at:end] != _USM:
        raise ber.BerError("another security model")
    flags = packet[start]
    at, rest = content(packet, end, limit, ber.OCTETS)
    at, end = content(packet, at, rest, ber.SEQUENCE)
    start, at = content(packet, at, end, ber.OCTETS)
    engine_id = packet[start:at]
    boots, at = read_integer(packet, at, end)
    time_s, at = read_integer(packet, at, end)
    if boots < 0 or time_s < 0:
        raise ber.BerError("a clock below zero")
    _, at = content(packet, at, end, ber.OCTETS)
    start, at = signature = content(packet, at, end, ber.OCTETS)
    start, at = content(packet, at, end, ber.OCTETS)
    salt = packet[start:at]
    return _Envelope(number, flags, engine_id, boots, time_s, signature, salt, (rest, limit))
