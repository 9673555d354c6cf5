"""Timeouts of the transport, and those of a late event loop."""

import asyncio
import socket

import pytest

from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.protocols.ipmi.transport import Requester, UdpTransport
from tests import virtual_time

TIMEOUT_S = 1.0


class Ear(Requester):
    """Takes whatever comes for its answer."""

    def receive(self, packet: rmcpplus.Packet) -> None:
        self.settle(packet.payload)


async def exchange(stall_s: float, answers: bool) -> tuple[bytes | None, float]:
    """Send a request while the process stalls for so long; return the response and the seconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, virtual_time.VirtualTimeLoop)
    endpoint = UdpTransport(socket.AF_INET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        address = peer.getsockname()
        ear = Ear(endpoint, address)
        endpoint.logins[address, 7] = ear

        def stand_still() -> None:
            loop.pass_time(stall_s)
            if answers:
                # The order of uvloop, which looks at timers before it looks at sockets.
                loop.call_soon(_answer, peer)

        loop.call_later(TIMEOUT_S / 2, stand_still)
        began_s = loop.time()
        answer = await ear.exchange(b"who is there", TIMEOUT_S)
        took_s = loop.time() - began_s
    endpoint.close()
    return answer, took_s


def _answer(peer: socket.socket) -> None:
    _, client = peer.recvfrom(100)
    peer.sendto(rmcpplus.encode_plain(rmcpplus.RAKP2, bytes((7, 0, 0, 0))), client)


def test_an_answer_that_waits_in_the_socket_while_we_are_late_is_no_silence() -> None:
    answer, _ = virtual_time.run(exchange(stall_s=60, answers=True))
    assert answer == bytes((7, 0, 0, 0))


def test_a_timeout_is_in_time_and_soon_after_a_stall() -> None:
    answer, took_s = virtual_time.run(exchange(stall_s=0, answers=False))
    assert answer is None
    assert took_s == pytest.approx(TIMEOUT_S)
    answer, took_s = virtual_time.run(exchange(stall_s=60, answers=False))
    assert answer is None
    assert 60 < took_s < 61
