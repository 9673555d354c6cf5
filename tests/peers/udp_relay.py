"""A bad network: a UDP relay that loses, cuts, doubles, delays and reorders what passes through it.

It is between a client and a real peer, in the test's own loop. Each client has a socket of its
own towards the peer, so that answers find their way back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

Fate = Callable[[bytes], Iterable[bytes]]


def unharmed(packet: bytes) -> Iterable[bytes]:
    """Pass a packet unchanged."""
    return (packet,)


class UdpRelay:
    """A relay in front of a peer; set `request_fate` and `reply_fate` to do harm, `delay_s` to
    be slow.

    `requests` and `replies` have the packets as they came in, before any harm.
    """

    def __init__(self, peer: tuple[str, int]) -> None:
        self.peer = peer
        self.request_fate: Fate = unharmed
        self.reply_fate: Fate = unharmed
        self.delay_s = 0.0
        self.requests: list[bytes] = []
        self.replies: list[bytes] = []
        self.address: tuple[str, int] = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None
        self._upstreams: dict[Any, asyncio.Task[asyncio.DatagramTransport]] = {}

    async def start(self, address: str) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Ear(self._take_request), local_addr=(address, 0)
        )
        self.address = self._transport.get_extra_info("sockname")[:2]

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        for upstream in self._upstreams.values():
            (await upstream).close()

    async def _connect(self, client: Any) -> asyncio.DatagramTransport:
        def take(packet: bytes, _: Any) -> None:
            self.replies.append(packet)
            for each in self.reply_fate(packet):
                self._later(self._transport, each, client)

        loop = asyncio.get_running_loop()
        upstream, _ = await loop.create_datagram_endpoint(lambda: _Ear(take), remote_addr=self.peer)
        return upstream

    def _take_request(self, packet: bytes, client: Any) -> None:
        self.requests.append(packet)
        if client not in self._upstreams:
            self._upstreams[client] = asyncio.ensure_future(self._connect(client))
        for each in self.request_fate(packet):
            self._upstreams[client].add_done_callback(partial(self._forward, each))

    def _forward(self, packet: bytes, upstream: asyncio.Task[asyncio.DatagramTransport]) -> None:
        self._later(upstream.result(), packet, None)

    def _later(self, transport: asyncio.DatagramTransport | None, packet: bytes, to: Any) -> None:
        assert transport is not None
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, _send, transport, packet, to)
        else:
            _send(transport, packet, to)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, Any], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._take(data, addr)


def _send(transport: asyncio.DatagramTransport, packet: bytes, to: Any) -> None:
    if not transport.is_closing():
        transport.sendto(packet, to)


@asynccontextmanager
async def udp_relay(peer: tuple[str, int], address: str = "127.0.0.1") -> AsyncIterator[UdpRelay]:
    """Run a relay in front of a peer until the block ends."""
    relay = UdpRelay(peer)
    await relay.start(address)
    try:
        yield relay
    finally:
        await relay.close()
