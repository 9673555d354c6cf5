"""UDP socket shared by all BMCs of one address family.

One unconnected socket serves them all: no descriptor, task or buffer for each BMC. A packet is
dispatched by our session id, and before there is a session by address and message tag. The kernel
reports ICMP errors (IP_RECVERR), which distinguish a closed port from silence.
"""

import asyncio
import math
import os
import socket
from abc import ABC, abstractmethod

from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.protocols.udp.resolver import Address
from rackwatt_exporter.reading import ReadError, Reason

RECEIVE_BUFFER = 4 * 1024 * 1024
# Then other tasks get their turn. With fewer, a busy process would send requests faster
# than it reads responses: these would be lost in a full buffer, and the requests repeated.
PACKETS_PER_WAKE = 1024
MAX_PACKET = 2048
_RECVERR = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}
_SO_RCVBUFFORCE = 33
_LATE_S, _GRACE_S = 0.05, 0.2


class NoResponseError(ReadError):
    """The BMC did not respond to any of the packets sent."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.TIMEOUT, message)


class Requester(ABC):
    """Sender of requests to a BMC: it sends one packet and waits for the response."""

    __slots__ = ("_awaited", "address", "endpoint")

    def __init__(self, endpoint: "UdpTransport", address: Address) -> None:
        self.endpoint = endpoint
        self.address = address
        self._awaited: asyncio.Future[bytes | None] | None = None

    async def exchange(self, packet: bytes, timeout_s: float) -> bytes | None:
        """Send a packet and return what `settle` gets, None after `timeout_s` without a response.

        Raises:
            ReadError: connection_refused or unreachable, by an error of the network.
        """
        loop = self.endpoint.loop
        awaited: asyncio.Future[bytes | None] = loop.create_future()
        self._awaited = awaited
        self.endpoint.waiting[self.address] = self
        due_s = loop.time() + timeout_s
        timer = loop.call_at(due_s, _give_up, awaited, loop, due_s)
        try:
            self.endpoint.send(packet, self.address)
            return await awaited
        finally:
            timer.cancel()
            self._awaited = None
            self.endpoint.waiting.pop(self.address, None)

    @property
    def busy(self) -> bool:
        """Whether it waits for a response."""
        return self._awaited is not None

    @abstractmethod
    def receive(self, packet: rmcpplus.Packet) -> None:
        """Handle a packet for this requester; pass its response to `settle`."""

    def settle(self, response: bytes) -> None:
        """Return a response from `exchange`, if that still waits."""
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(response)

    def fail(self, error: OSError) -> None:
        """Raise an error of the network from `exchange`, if that still waits."""
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(network_error(error, self.address))


class UdpTransport:
    """The socket of one address family, and its requesters.

    `sessions` are by our session id, handshakes (`logins`) by address and tag; `waiting` has the
    requester that waits for a response of an address.
    """

    def __init__(self, family: socket.AddressFamily) -> None:
        self.loop = asyncio.get_running_loop()
        self.sessions: dict[int, Requester] = {}
        self.logins: dict[tuple[Address, int], Requester] = {}
        self.waiting: dict[Address, Requester] = {}
        self._next_id = int.from_bytes(os.urandom(4))
        self._socket = _open_socket(family)
        self.loop.add_reader(self._socket, self._receive_many)

    def new_session_id(self) -> int:
        """Return an unused session id; ids start at random and count up."""
        while True:
            self._next_id = (self._next_id + 1) & 0xFFFFFFFF or 1
            if self._next_id not in self.sessions:
                return self._next_id

    def send(self, packet: bytes, address: Address) -> None:
        """Send a packet; one that finds the buffers full is lost, as any packet may be.

        Raises:
            ReadError: unreachable, where the kernel has no route to the address.
        """
        try:
            self._socket.sendto(packet, address)
        except BlockingIOError:
            return
        except OSError:
            # It may be an older packet's ICMP error, of any address: read those, and send again.
            self._drain_errors()
            self._send_again(packet, address)

    def close(self) -> None:
        """Close the socket."""
        self.loop.remove_reader(self._socket)
        self._socket.close()

    def _send_again(self, packet: bytes, address: Address) -> None:
        try:
            self._socket.sendto(packet, address)
        except OSError as error:
            raise network_error(error, address) from None

    def _receive_many(self) -> None:
        receive, dispatch = self._socket.recvfrom, self._dispatch
        for count in range(PACKETS_PER_WAKE):
            try:
                data, address = receive(MAX_PACKET)
            except BlockingIOError:
                if not count:  # woken by an error that `send` has already read
                    self._watch_again()
                return
            except OSError:
                self._drain_errors()
                self._watch_again()
                continue
            dispatch(data, address)

    def _dispatch(self, data: bytes, address: Address) -> None:
        packet = rmcpplus.parse_packet(data)
        if packet is None:
            return
        requester: Requester | None = None
        if packet.payload_type & 0x3F == rmcpplus.IPMI:
            requester = self.sessions.get(packet.session_id)
        elif packet.payload:
            requester = self.logins.get((address, packet.payload[0]))
        if requester is not None:
            requester.receive(packet)

    def _drain_errors(self) -> None:
        """Read pending ICMP errors and fail the requesters of their addresses."""
        while True:
            try:
                _, control, _, address = self._socket.recvmsg(256, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            requester = self.waiting.get(address)
            if requester is not None and control:
                # struct sock_extended_err (linux/errqueue.h) starts with the errno.
                requester.fail(OSError(int.from_bytes(control[0][2][:4], "little"), "ICMP"))

    def _watch_again(self) -> None:
        # libuv stops watching a descriptor on which it saw an error.
        self.loop.remove_reader(self._socket)
        self.loop.add_reader(self._socket, self._receive_many)


def network_error(error: OSError, address: Address) -> ReadError:
    """Return the error of a kernel or ICMP error."""
    if isinstance(error, ConnectionRefusedError):
        text = f"nothing listens on UDP port {address[1]} of {address[0]}"
        return ReadError(Reason.CONNECTION_REFUSED, f"{text}: is IPMI over LAN switched on?")
    words = os.strerror(error.errno) if error.errno else str(error)
    return ReadError(Reason.UNREACHABLE, f"{address[0]}: {words}")


def _open_socket(family: socket.AddressFamily) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    level, option = _RECVERR[family]
    sock.setsockopt(level, option, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:  # then net.core.rmem_max bounds it
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    return sock


def _give_up(
    awaited: "asyncio.Future[bytes | None]", loop: asyncio.AbstractEventLoop, due_s: float
) -> None:
    """Stop waiting; if the event loop is late, the response may be in the socket: wait again."""
    if awaited.done():
        return
    if loop.time() > due_s + _LATE_S:
        loop.call_later(_GRACE_S, _give_up, awaited, loop, math.inf)
    else:
        awaited.set_result(None)
