"""IPMI messages as they travel over a LAN: addresses, network function, sequence, checksums.

IPMI v2.0 section 13.8. Outside of these bytes there is framing (`rmcp`, `rmcpplus`), inside of them
there are commands (`dcmi`, `sdr`).
"""

from typing import NamedTuple

BMC_ADDRESS = 0x20
CONSOLE_ADDRESS = 0x81  # a system software id: a console on the LAN

NETFN_CHASSIS = 0x00
NETFN_SENSOR = 0x04
NETFN_APP = 0x06
NETFN_STORAGE = 0x0A
NETFN_GROUP = 0x2C


class IpmiRequest(NamedTuple):
    """A command as a BMC receives it."""

    netfn: int
    lun: int
    sequence: int
    command: int
    data: bytes
    requester: int


def encode_request(
    netfn: int, command: int, sequence: int, data: bytes = b"", lun: int = 0
) -> bytes:
    """Build the request message of a console to a BMC; `sequence` has six bits."""
    target = netfn << 2 | lun
    tail = bytes((CONSOLE_ADDRESS, sequence << 2, command)) + data
    head = bytes((BMC_ADDRESS, target, -(BMC_ADDRESS + target) & 0xFF))
    return head + tail + bytes((-sum(tail) & 0xFF,))


def parse_request(message: bytes) -> IpmiRequest | None:
    """Read a request message, None where its length or a checksum is wrong."""
    if len(message) < 7 or sum(message[:3]) & 0xFF or sum(message[3:]) & 0xFF:
        return None
    return IpmiRequest(
        netfn=message[1] >> 2,
        lun=message[1] & 3,
        sequence=message[4] >> 2,
        command=message[5],
        data=message[6:-1],
        requester=message[3],
    )


def encode_reply(request: IpmiRequest, answer: bytes) -> bytes:
    """Build the reply to a request; `answer` is the completion code, then the data."""
    head = bytes((request.requester, (request.netfn | 1) << 2))
    tail = bytes((BMC_ADDRESS, request.sequence << 2 | request.lun, request.command)) + answer
    return head + bytes((-sum(head) & 0xFF,)) + tail + bytes((-sum(tail) & 0xFF,))


def parse_reply(message: bytes, netfn: int, command: int, sequence: int) -> bytes | None:
    """Give the answer (completion code, then data) to one request, None if it answers another.

    Checksums are not looked at: the session's integrity check has spoken for every byte.
    """
    if (
        len(message) < 8
        or message[1] >> 2 != netfn | 1
        or message[4] >> 2 != sequence
        or message[5] != command
    ):
        return None
    return message[6:-1]
