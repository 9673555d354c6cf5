"""UDP socket connected to one peer: one request and its response at a time."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from rackwatt_exporter.protocols.udp.resolver import Address

T = TypeVar("T")

MAX_DRAINED = 64
MAX_DATAGRAM = 65535


class DatagramSocket(Generic[T]):
    """A persistent socket, with one exchange at a time."""

    def __init__(self, family: socket.AddressFamily, address: Address) -> None:
        self._loop = asyncio.get_running_loop()
        self._awaited: asyncio.Future[T] | None = None
        self._decode: Callable[[bytes], T | None] = _ignore
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._receive)

    async def exchange(
        self, packet: bytes, decode: Callable[[bytes], T | None], timeout_s: float
    ) -> T:
        """Send a packet and return what `decode` returns for its response.

        `decode` returns None for a packet that is not the response.

        Raises:
            TimeoutError: there is no response.
            OSError: an error of the network.
            ValueError: what `decode` raises.
        """
        awaited: asyncio.Future[T] = self._loop.create_future()
        self._awaited, self._decode = awaited, decode
        timer = self._loop.call_later(timeout_s, self._give_up)
        try:
            with suppress(BlockingIOError):  # then it is lost, as any packet may be
                self._socket.send(packet)
            return await awaited
        finally:
            timer.cancel()
            self._awaited, self._decode = None, _ignore

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> bool:
        """Receive one packet, if there is one; the loop calls again for the next."""
        try:
            packet = self._socket.recv(MAX_DATAGRAM)
        except BlockingIOError:
            return False
        except OSError as error:  # an ICMP message, about this peer alone
            self._settle(error=error)
            # libuv stops watching a descriptor on which it saw an error.
            self._loop.remove_reader(self._socket)
            self._loop.add_reader(self._socket, self._receive)
            return False
        try:
            response = self._decode(packet)
        except ValueError as error:
            self._settle(error=error)
        else:
            if response is not None:
                self._settle(response)
        return True

    def _give_up(self) -> None:
        """Stop waiting, after reading what is in the socket: the event loop may be late itself."""
        for _ in range(MAX_DRAINED):
            if not self._receive():
                break
        self._settle(error=TimeoutError())

    def _settle(self, response: Any = None, error: Exception | None = None) -> None:
        if self._awaited is None or self._awaited.done():
            return
        if error is None:
            self._awaited.set_result(response)
        else:
            self._awaited.set_exception(error)


def _ignore(_: bytes) -> None:
    """Drop a packet that no exchange waits for."""
