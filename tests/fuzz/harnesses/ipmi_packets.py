"""Packets from anybody: none of them is taken for the answer of a BMC that has proved itself."""

import asyncio

from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi import rmcp, rmcpplus
from rackwatt_exporter.protocols.ipmi.crypto import SUITES, SessionKeys
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.protocols.ipmi.wire import BMC, Wire
from tests.virtual_time import run

_OURS = 7
_PARSERS = (
    rmcpplus.OpenSessionRequest.parse,
    rmcpplus.RmcpPlusResponse.parse,
    rmcpplus.OpenedSession.parse,
    rmcpplus.Rakp1.parse,
    rmcpplus.Rakp3.parse,
    message.parse_request,
    rmcp.parse_ping,
    rmcp.unwrap_without_session,
    rmcpplus.parse_packet,
)


def examine(data: bytes) -> None:
    """Parse it as everything, and send it to a session that waits."""
    for parse in _PARSERS:
        parse(data)
    message.parse_reply(data, 0x2C, 2, 1)
    run(_hold_session(data))


async def _hold_session(data: bytes) -> None:
    ours = rmcpplus.encode_plain(rmcpplus.SEALED_IPMI, data)
    ours = ours[:6] + _OURS.to_bytes(4, "little") + ours[10:]
    wire = Wire(lambda _: (data, ours, rmcpplus.encode_plain(rmcpplus.IPMI, data)))
    session = IpmiSession(wire, BMC, (_OURS, 8), SessionKeys(SUITES[17], b"key"))
    started_s = asyncio.get_running_loop().time()
    try:
        answer = await session.command("Get Device ID", (6, 1))
    except ReadError as error:
        assert error.reason is Reason.TIMEOUT
    else:
        raise AssertionError(f"{answer!r} was taken for an answer")
    assert session.received_at == started_s
