"""IPMI messages over a LAN: addresses, network function, sequence number, checksums.

IPMI v2.0 section 13.8. They are framed by `rmcp` or `rmcpplus`, and contain the commands of `dcmi`
and `sdr`.
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
    """Encode the request message of a console to a BMC; `sequence` has six bits."""
    target = netfn << 2 | lun
    tail = bytes((CONSOLE_ADDRESS, sequence << 2, command)) + data
    head = bytes((BMC_ADDRESS, target, -(BMC_ADDRESS + target) & 0xFF))
    return head + tail + bytes((-sum(tail) & 0xFF,))


def parse_request(message: bytes) -> IpmiRequest | None:
    """Parse a request message, None where its length or a checksum is wrong."""
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


def encode_reply(request: IpmiRequest, payload: bytes) -> bytes:
    """Encode the response to a request; `payload` is the completion code, then the data."""
    head = bytes((request.requester, (request.netfn | 1) << 2))
    tail = bytes((BMC_ADDRESS, request.sequence << 2 | request.lun, request.command)) + payload
    return head + bytes((-sum(head) & 0xFF,)) + tail + bytes((-sum(tail) & 0xFF,))


def parse_reply(message: bytes, netfn: int, command: int, sequence: int) -> bytes | None:
    """Return completion code and data of the response to one request; None if it is another's.

    Checksums are not verified: the session's integrity check covers every byte.
    """
    if (
        len(message) < 8
        or message[1] >> 2 != netfn | 1
        or message[4] >> 2 != sequence
        or message[5] != command
    ):
        return None
    return message[6:-1]
