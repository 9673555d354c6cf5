"""One UDP socket to one peer: a packet goes out, and what answers it is waited for."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from rackwatt_exporter.protocols.udp.resolver import Address

T = TypeVar("T")

PACKETS_LOOKED_AT = 64
LARGEST = 65535


class Datagrams(Generic[T]):
    """A socket that is kept, one exchange at a time."""

    def __init__(self, family: socket.AddressFamily, address: Address) -> None:
        self._loop = asyncio.get_running_loop()
        self._awaited: asyncio.Future[T] | None = None
        self._opened: Callable[[bytes], T | None] = _nobody
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._receive)

    async def exchange(
        self, packet: bytes, opened: Callable[[bytes], T | None], timeout_s: float
    ) -> T:
        """Send a packet and give what `opened` makes of its answer; None of it means another's.

        Raises:
            TimeoutError: silence.
            OSError: what the network says.
            ValueError: what `opened` raises.
        """
        awaited: asyncio.Future[T] = self._loop.create_future()
        self._awaited, self._opened = awaited, opened
        timer = self._loop.call_later(timeout_s, self._give_up)
        try:
            with suppress(BlockingIOError):  # then it is lost, as any packet may be
                self._socket.send(packet)
            return await awaited
        finally:
            timer.cancel()
            self._awaited, self._opened = None, _nobody

    def close(self) -> None:
        """Give the socket back."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> bool:
        """Take one packet, if there is one; the loop calls again for the next."""
        try:
            packet = self._socket.recv(LARGEST)
        except BlockingIOError:
            return False
        except OSError as error:  # an ICMP message, about this peer alone
            self._settle(error=error)
            # libuv stops watching a descriptor on which it saw an error.
            self._loop.remove_reader(self._socket)
            self._loop.add_reader(self._socket, self._receive)
            return False
        try:
            answer = self._opened(packet)
        except ValueError as error:
            self._settle(error=error)
        else:
            if answer is not None:
                self._settle(answer)
        return True

    def _give_up(self) -> None:
        """Give up waiting; where we are late ourselves, the answer may lie in the socket."""
        for _ in range(PACKETS_LOOKED_AT):
            if not self._receive():
                break
        self._settle(error=TimeoutError())

    def _settle(self, answer: Any = None, error: Exception | None = None) -> None:
        if self._awaited is None or self._awaited.done():
            return
        if error is None:
            self._awaited.set_result(answer)
        else:
            self._awaited.set_exception(error)


def _nobody(_: bytes) -> None:
    """Take a packet that nothing waits for."""
