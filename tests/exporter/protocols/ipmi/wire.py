"""An endpoint without a socket: what a client sends goes to a function, which says what comes back.

For stories in which each packet's way is chosen (test_ipmi_session.py, tests/fuzz); whether
everything works over a real socket is for the tests of targets to say.
"""

import asyncio
from collections.abc import Callable, Iterable

from rackwatt_exporter.protocols.ipmi.transport import Requester, UdpTransport
from rackwatt_exporter.protocols.udp.resolver import Address

BMC = ("192.0.2.1", 623)


class Wire(UdpTransport):
    """The product's own way to whom a packet is for, and none of its system calls."""

    def __init__(self, answers: Callable[[bytes], Iterable[bytes]]) -> None:
        self.loop = asyncio.get_running_loop()
        self.sessions: dict[int, Requester] = {}
        self.logins: dict[tuple[Address, int], Requester] = {}
        self.waiting: dict[Address, Requester] = {}
        self._next_id = 0x01020304
        self._answers = answers

    def send(self, packet: bytes, address: Address) -> None:
        """Pass a packet to the BMC, and deliver its response."""
        for answer in self._answers(packet):
            self.deliver(answer)

    def deliver(self, data: bytes) -> None:
        """Deliver bytes from the BMC."""
        self._dispatch(data, BMC)

    def close(self) -> None:
        """There is nothing to give back."""
