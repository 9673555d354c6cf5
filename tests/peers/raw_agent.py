"""An SNMP agent that shows raw bytes as its values, and misbehaves as real ones do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from rackwatt_exporter import ber
from rackwatt_exporter.simulator.machine import SimulatedLogin, SimulatedMachine
from rackwatt_exporter.simulator.snmp.agent import SimulatedAgent
from rackwatt_exporter.simulator.snmp.tree import Tree
from tests.peers.snmpd import AUTH_PASSWORD, COMMUNITY, PRIV_PASSWORD

GET, GET_NEXT, GET_BULK = 0xA0, 0xA1, 0xA5
Fate = Callable[[int, bytes], bytes | None]


class RawAgent(asyncio.DatagramProtocol):
    """Versions 1, 2c and 3; `rows` are encoded values by object, in any order.

    `fate` is handed the kind of each request (0 where it is encrypted) and the answer to it, and
    gives what is sent instead, None for silence. `kinds` has the kinds of the requests.
    """

    def __init__(self, rows: dict[str, bytes]) -> None:
        self.kinds: list[int] = []
        self.fate: Fate = lambda _kind, answer: answer
        login = SimulatedLogin("monitor", "", COMMUNITY, AUTH_PASSWORD, PRIV_PASSWORD)
        self._tree = _Rows(rows)
        self._agent = SimulatedAgent(SimulatedMachine("pdu1", "127.0.0.1", login=login), self._tree)
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def rows(self) -> dict[str, bytes]:
        """The values that are shown."""
        return self._tree.rows

    @rows.setter
    def rows(self, rows: dict[str, bytes]) -> None:
        self._tree.rows = rows

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        kind = _kind(data)
        self.kinds.append(kind)
        answer = self._agent.answer(data)
        sent = None if answer is None else self.fate(kind, answer)
        if sent is not None and self._transport is not None:
            self._transport.sendto(sent, addr)


class _Rows(Tree):
    def __init__(self, rows: dict[str, bytes]) -> None:
        super().__init__({})
        self.rows = rows

    def get(self, oid: ber.Oid) -> bytes | None:
        return self.rows.get(".".join(map(str, oid)))

    def after(self, oid: ber.Oid) -> tuple[ber.Oid, bytes] | None:
        names = sorted(tuple(map(int, name.split("."))) for name in self.rows)
        following = next((name for name in names if name > oid), None)
        if following is None:
            return None
        return following, self.rows[".".join(map(str, following))]


def answered(
    answer: bytes, status: int = 0, failed: int = 0, objects: bytes | None = None
) -> bytes:
    """Replace the answer of a community: its status, and its list of objects."""
    version, community, pdu = ber.element(answer).children()
    number, _, _, found = pdu.children()
    head = map(ber.integer, (number.integer, status, failed))
    listed = ber.encoded(ber.SEQUENCE, found.content if objects is None else objects)
    start = ber.integer(version.integer), ber.octets(community.octets)
    return ber.sequence(*start, ber.sequence(*head, listed, tag=pdu.tag))


def _kind(packet: bytes) -> int:
    try:
        version, _, pdu, *_ = ber.element(packet).children()
        return pdu.tag if version.integer != 3 else 0
    except ValueError:
        return 0


@asynccontextmanager
async def raw_agent(rows: dict[str, bytes]) -> AsyncIterator[RawAgent]:
    """Run an agent until the block ends."""
    loop = asyncio.get_running_loop()
    transport, agent = await loop.create_datagram_endpoint(
        lambda: RawAgent(rows), local_addr=("127.0.0.1", 0)
    )
    try:
        yield agent
    finally:
        transport.close()
