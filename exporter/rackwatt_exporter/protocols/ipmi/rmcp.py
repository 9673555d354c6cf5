"""RMCP framing, its presence ping, and the session-less wrapper of IPMI v1.5.

IPMI v2.0 section 13.1 to 13.6. Our client uses RMCP+ from its first packet on. The other two are
what ipmitool, freeipmi and pyghmi send before they log in, so a simulated BMC has to respond.
"""

import struct

IPMI_HEADER = b"\x06\x00\xff\x07"  # version 1.0, no acknowledgement requested, class IPMI
ASF_HEADER = b"\x06\x00\xff\x06"
ASF_ENTERPRISE = (4542).to_bytes(4)
AUTH_NONE = 0x00
AUTH_RMCPPLUS = 0x06

_PING = 0x80
_PONG = 0x40
_NO_SESSION = struct.Struct("<BIIB")  # authentication type, sequence, session id, length


def parse_ping(packet: bytes) -> int | None:
    """Return the message tag of an ASF presence ping (section 13.2.3); None for other packets."""
    if len(packet) < 12 or packet[:8] != ASF_HEADER + ASF_ENTERPRISE or packet[8] != _PING:
        return None
    return packet[9]


def encode_pong(tag: int) -> bytes:
    """Encode the ASF presence pong of a machine that speaks IPMI (section 13.2.4)."""
    body = ASF_ENTERPRISE + bytes(4) + b"\x81" + bytes(7)  # 81h: IPMI supported, ASF version 1.0
    return ASF_HEADER + ASF_ENTERPRISE + bytes((_PONG, tag, 0, len(body))) + body


def wrap_without_session(message: bytes) -> bytes:
    """Wrap an IPMI message in a v1.5 packet outside any session (table 13-8)."""
    return IPMI_HEADER + _NO_SESSION.pack(AUTH_NONE, 0, 0, len(message)) + message


def unwrap_without_session(packet: bytes) -> bytes | None:
    """Return the IPMI message of a v1.5 packet outside any session, None if it is none."""
    if len(packet) < 14 or packet[:4] != IPMI_HEADER:
        return None
    authentication, _, session_id, length = _NO_SESSION.unpack_from(packet, 4)
    if authentication != AUTH_NONE or session_id or len(packet) < 14 + length:
        return None
    return packet[14 : 14 + length]
