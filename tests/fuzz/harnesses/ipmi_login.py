"""Log-in at a peer that does not know the password: a reason, and never a session.

Each piece answers one packet. Its first byte says how much of it is set right: our tag, our session
id, the type that is due.
"""

import struct
from collections.abc import Iterator

from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.protocols.ipmi.crypto import SUITES
from rackwatt_exporter.protocols.ipmi.handshake import IpmiAccount, RakpHandshake
from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.protocols.ipmi.wire import BMC, Wire
from tests.fuzz.chunks import split
from tests.virtual_time import run

_REASONS = {
    Reason.TIMEOUT,
    Reason.AUTH_FAILED,
    Reason.PRIVILEGE_INSUFFICIENT,
    Reason.CIPHER_UNSUPPORTED,
    Reason.SESSION_LIMIT,
    Reason.BAD_REPLY,
}
_TAG, _ID, _TYPE = 1, 2, 4


def examine(data: bytes) -> None:
    """Log in."""
    run(_log_in(split(data)))


async def _log_in(pieces: list[bytes]) -> None:
    waiting = iter(pieces)
    ids: list[bytes] = []

    def answers(packet: bytes) -> Iterator[bytes]:
        piece = next(waiting, b"")
        if piece:
            yield _answer(packet, piece, ids)

    wire = Wire(answers)
    try:
        await RakpHandshake(wire, BMC, SUITES[17], 1.0).open(IpmiAccount(b"root", b"unknown"))
    except ReadError as error:
        assert error.reason in _REASONS
    else:
        raise AssertionError("a session was opened without the password")
    assert not wire.sessions
    assert not wire.logins
    assert not wire.waiting


def _answer(packet: bytes, piece: bytes, ids: list[bytes]) -> bytes:
    right, payload = piece[0], bytearray(piece[1:])
    request = rmcpplus.parse_packet(packet)
    assert request is not None
    if request.payload_type == rmcpplus.OPEN_SESSION_REQUEST:
        ids.append(request.payload[4:8])
    if right & _TAG and payload:
        payload[0] = request.payload[0]
    if right & _ID and len(payload) >= 8:
        payload[4:8] = ids[0]
    kind = request.payload_type + 1 if right & _TYPE else right >> 3
    if right & 0x80:
        return (
            struct.pack("<4sBBIIH", b"\x06\0\xff\x07", 6, kind & 0x3F, 0, 0, len(payload)) + payload
        )
    return rmcpplus.encode_plain(kind & 0xFF, bytes(payload))
