"""The socket through which every BMC of one address family is spoken to.

One unconnected UDP socket serves them all: no descriptor, task or buffer for each BMC. An answer
finds who waits for it by our session id, and before there is a session by address and message tag.
The kernel is asked to report ICMP errors (IP_RECVERR), so that a closed port is told from silence.
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
# Then the rest of the program has its turn. Fewer would let questions outrun their answers where
# the process is short of time: these would be lost in a full buffer, and asked for again.
PACKETS_PER_WAKE = 1024
MAX_PACKET = 2048
_RECVERR = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}
_SO_RCVBUFFORCE = 33
_LATE_S, _GRACE_S = 0.05, 0.2


class NoResponseError(ReadError):
    """The BMC stayed silent, however often it was asked."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.TIMEOUT, message)


class Requester(ABC):
    """One end of a conversation with a BMC: it sends one packet and waits for what answers it."""

    __slots__ = ("_awaited", "address", "endpoint")

    def __init__(self, endpoint: "UdpTransport", address: Address) -> None:
        self.endpoint = endpoint
        self.address = address
        self._awaited: asyncio.Future[bytes | None] | None = None

    async def exchange(self, packet: bytes, timeout_s: float) -> bytes | None:
        """Send a packet and give what `settle` is handed, None after `timeout_s` of silence.

        Raises:
            ReadError: connection_refused or unreachable, as the network itself says.
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
        """Whether an answer is being waited for."""
        return self._awaited is not None

    @abstractmethod
    def receive(self, packet: rmcpplus.Packet) -> None:
        """Take a packet that was found to be for this one; hand what it answers to `settle`."""

    def settle(self, answer: bytes) -> None:
        """Hand over the answer to whoever waits in `exchange`, if anyone still does."""
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(answer)

    def fail(self, error: OSError) -> None:
        """Tell whoever waits in `exchange` what the network reported."""
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(network_error(error, self.address))


class UdpTransport:
    """The socket of one address family, and who is waiting at it.

    `sessions` are found by our session id, `logins` by address and tag; `waiting` has whoever
    waits for an answer of an address just now.
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
        """Give a session id of ours that is not in use; it starts at random and counts up."""
        while True:
            self._next_id = (self._next_id + 1) & 0xFFFFFFFF or 1
            if self._next_id not in self.sessions:
                return self._next_id

    def send(self, packet: bytes, address: Address) -> None:
        """Send a packet; one that finds the buffers full is lost, as any packet may be.

        Raises:
            ReadError: unreachable, where the kernel has no way to the address.
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
        """Give the socket back."""
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
                if not count:  # woken by an error that `send` has read meanwhile
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
        to: Requester | None = None
        if packet.payload_type & 0x3F == rmcpplus.IPMI:
            to = self.sessions.get(packet.session_id)
        elif packet.payload:
            to = self.logins.get((address, packet.payload[0]))
        if to is not None:
            to.receive(packet)

    def _drain_errors(self) -> None:
        """Tell everyone concerned about the ICMP errors that have come."""
        while True:
            try:
                _, control, _, address = self._socket.recvmsg(256, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            to = self.waiting.get(address)
            if to is not None and control:
                # struct sock_extended_err (linux/errqueue.h) begins with the errno.
                to.fail(OSError(int.from_bytes(control[0][2][:4], "little"), "ICMP"))

    def _watch_again(self) -> None:
        # libuv stops watching a descriptor on which it saw an error.
        self.loop.remove_reader(self._socket)
        self.loop.add_reader(self._socket, self._receive_many)


def network_error(error: OSError, address: Address) -> ReadError:
    """Put a reason to what the kernel or an ICMP message says."""
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
    """Give up waiting; if we are late ourselves, the answer may lie in the socket: look there."""
    if awaited.done():
        return
    if loop.time() > due_s + _LATE_S:
        loop.call_later(_GRACE_S, _give_up, awaited, loop, math.inf)
    else:
        awaited.set_result(None)
