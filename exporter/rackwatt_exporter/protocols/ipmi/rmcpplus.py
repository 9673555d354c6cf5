"""RMCP+ packets, and the payloads that open a session.

IPMI v2.0 table 13-8 (packets) and sections 13.17 to 13.24 (Open Session and RAKP). Pure: bytes in,
bytes out. What cannot be parsed is None; the caller decides what a garbled packet means.
"""

import hmac
import struct
from typing import NamedTuple

from rackwatt_exporter.protocols.ipmi.crypto import SUITES, CipherSuite, SessionKeys
from rackwatt_exporter.protocols.ipmi.rmcp import AUTH_RMCPPLUS, IPMI_HEADER

IPMI = 0x00
OPEN_SESSION_REQUEST = 0x10
OPEN_SESSION_RESPONSE = 0x11
RAKP1 = 0x12
RAKP2 = 0x13
RAKP3 = 0x14
RAKP4 = 0x15
SEALED_IPMI = 0xC0 | IPMI  # encrypted, authenticated

NAME_ONLY_LOOKUP = 0x10
LEVELS = {"user": 2, "operator": 3, "admin": 4}

_HEADER = struct.Struct("<BBIIH")  # authentication type, payload type, session, sequence, length
_BODY = 16  # RMCP header and session header
_TRAILER = b"\xff\xff\x02\x07"  # always this pad: encrypted payloads are whole blocks

STATUS = {
    0x01: "insufficient resources to create a session",
    0x02: "invalid session id",
    0x03: "invalid payload type",
    0x04: "invalid authentication algorithm",
    0x05: "invalid integrity algorithm",
    0x06: "no matching authentication payload",
    0x07: "no matching integrity payload",
    0x08: "inactive session id",
    0x09: "invalid role",
    0x0A: "unauthorized role or privilege level",
    0x0B: "insufficient resources to create a session at this role",
    0x0C: "invalid name length",
    0x0D: "unauthorized name",
    0x0E: "unauthorized GUID",
    0x0F: "invalid integrity check value",
    0x10: "invalid confidentiality algorithm",
    0x11: "no cipher suite match",
    0x12: "illegal or unrecognized parameter",
}


class Packet(NamedTuple):
    """A packet's bytes, its header, and its payload, still sealed where the type says so."""

    data: bytes
    payload_type: int
    session_id: int
    sequence: int
    payload: bytes


def encode_plain(payload_type: int, payload: bytes) -> bytes:
    """Encode a packet outside any session."""
    return IPMI_HEADER + _HEADER.pack(AUTH_RMCPPLUS, payload_type, 0, 0, len(payload)) + payload


def parse_packet(data: bytes) -> Packet | None:
    """Parse a packet's header; None where it is not RMCP+ or is truncated."""
    if len(data) < _BODY or data[:4] != IPMI_HEADER or data[4] != AUTH_RMCPPLUS:
        return None
    _, payload_type, session_id, sequence, length = _HEADER.unpack_from(data, 4)
    if len(data) < _BODY + length:
        return None
    return Packet(data, payload_type, session_id, sequence, data[_BODY : _BODY + length])


def seal(keys: SessionKeys, session_id: int, sequence: int, message: bytes) -> bytes:
    """Encrypt and authenticate an IPMI message within a session."""
    encrypted = keys.encrypt(message)
    header = _HEADER.pack(AUTH_RMCPPLUS, SEALED_IPMI, session_id, sequence, len(encrypted))
    body = header + encrypted + _TRAILER
    return IPMI_HEADER + body + keys.integrity_value(body)


def unseal(keys: SessionKeys, packet: Packet) -> bytes | None:
    """Return the IPMI message of a packet, None unless it is authentic and encrypted."""
    if packet.payload_type != SEALED_IPMI:
        return None
    data = packet.data
    end = len(data) - keys.icv_length
    if end < _BODY + len(packet.payload) + 2:
        return None
    if not hmac.compare_digest(keys.integrity_value(data[4:end]), data[end:]):
        return None
    return keys.decrypt(packet.payload)


class OpenSessionRequest(NamedTuple):
    """A console requests a session."""

    tag: int
    privilege: int
    console_id: bytes
    algorithms: tuple[int, int, int]

    def encode(self) -> bytes:
        """Encode the payload (table 13-9)."""
        head = bytes((self.tag, self.privilege, 0, 0)) + self.console_id
        return head + _encode_algorithms(self.algorithms)

    @classmethod
    def parse(cls, payload: bytes) -> "OpenSessionRequest | None":
        """Parse the payload, None if it is too short."""
        if len(payload) < 32:
            return None
        return cls(payload[0], payload[1], payload[4:8], _parse_algorithms(payload[8:32]))

    @property
    def suite(self) -> CipherSuite | None:
        """The suite of these algorithms, None if it is not supported."""
        for suite in SUITES.values():
            if suite.algorithms == self.algorithms:
                return suite
        return None


class RmcpPlusResponse(NamedTuple):
    """A BMC's response: tag, status, our session id, and the rest, which differs by message.

    Errors may end after the status: then the session id is empty. `level` is the privilege that an
    Open Session Response grants; the others have nothing there.
    """

    tag: int
    status: int
    console_id: bytes
    rest: bytes = b""
    level: int = 0

    @classmethod
    def parse(cls, payload: bytes) -> "RmcpPlusResponse | None":
        """Parse an Open Session Response, RAKP message 2 or 4; None without tag and status."""
        if len(payload) < 2:
            return None
        level = payload[2] if len(payload) > 2 else 0
        return cls(payload[0], payload[1], payload[4:8], payload[8:], level)

    def encode(self) -> bytes:
        """Encode the payload."""
        return bytes((self.tag, self.status, self.level, 0)) + self.console_id + self.rest


class OpenedSession(NamedTuple):
    """The rest of an Open Session Response (table 13-10)."""

    bmc_id: bytes
    algorithms: tuple[int, int, int]

    @classmethod
    def parse(cls, rest: bytes) -> "OpenedSession | None":
        """Parse the rest of a response, None if it is too short."""
        if len(rest) < 28:
            return None
        return cls(rest[:4], _parse_algorithms(rest[4:28]))

    def encode(self) -> bytes:
        """Encode the rest of a Response."""
        return self.bmc_id + _encode_algorithms(self.algorithms)


class Rakp1(NamedTuple):
    """The console names its user (table 13-11)."""

    tag: int
    bmc_id: bytes
    console_random: bytes
    role: int
    username: bytes

    def encode(self) -> bytes:
        """Encode the payload."""
        name = bytes((self.role, 0, 0, len(self.username))) + self.username
        return bytes((self.tag, 0, 0, 0)) + self.bmc_id + self.console_random + name

    @classmethod
    def parse(cls, payload: bytes) -> "Rakp1 | None":
        """Parse the payload, None if it is too short."""
        if len(payload) < 28 or len(payload) < 28 + payload[27]:
            return None
        username = payload[28 : 28 + payload[27]]
        return cls(payload[0], payload[4:8], payload[8:24], payload[24], username)


class Rakp3(NamedTuple):
    """The console proves that it knows the password (table 13-13)."""

    tag: int
    status: int
    bmc_id: bytes
    proof: bytes

    def encode(self) -> bytes:
        """Encode the payload."""
        return bytes((self.tag, self.status, 0, 0)) + self.bmc_id + self.proof

    @classmethod
    def parse(cls, payload: bytes) -> "Rakp3 | None":
        """Parse the payload, None if it is too short."""
        return cls(payload[0], payload[1], payload[4:8], payload[8:]) if len(payload) >= 8 else None


def _encode_algorithms(algorithms: tuple[int, int, int]) -> bytes:
    return b"".join(
        bytes((kind, 0, 0, 8, algorithm, 0, 0, 0)) for kind, algorithm in enumerate(algorithms)
    )


def _parse_algorithms(payloads: bytes) -> tuple[int, int, int]:
    return payloads[4] & 0x3F, payloads[12] & 0x3F, payloads[20] & 0x3F
