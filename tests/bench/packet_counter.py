"""Counters of a simulated fleet: packets, first contacts in flight, and the fleet's own lateness.

They count where every packet passes anyway: in the faults, which servers consult for each of them.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.simulator.faults.device_faults import Faults, FaultState
from rackwatt_exporter.simulator.ipmi.bmc import SimulatedBmc
from rackwatt_exporter.simulator.machine import SimulatedMachine

_BIN_S = 0.1
_TICK_S = 0.05
_PAYLOAD_TYPE = 5  # its offset in a packet of RMCP+


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts since the last call; `contacts` is the most first contacts in flight at any time.

    `sessions` are open now at BMCs that lose no packet, `lossy_sessions` at those that do;
    `half_open` are log-ins that the client has not finished. `late_s` is the maximum delay of the
    fleet's own event loop: it receives and answers packets that much later.
    """

    packets: int
    peak_per_s: int
    contacts: int
    sessions: int
    lossy_sessions: int
    half_open: int
    late_s: float


class Arrivals(Faults):
    """Faults that count arrivals: each datagram, and each connection and request of HTTP."""

    def __init__(self, machines: Iterable[SimulatedMachine], contacts: "Contacts") -> None:
        super().__init__(machines)
        self.bins: Counter[int] = Counter()
        self._contacts = contacts

    def state(self, address: bytes) -> FaultState | None:
        """Return the state of the device at a packed address, and count its request."""
        now_s = time.monotonic()
        self.bins[int(now_s / _BIN_S)] += 1
        self._contacts.began(address, now_s)
        return super().state(address)


class Contacts:
    """BMCs that were first contacted within the last `lasts_s`, and have not answered yet.

    `most` is how many there were at once. Only BMCs that report their answers are counted right.
    """

    def __init__(self, lasts_s: float) -> None:
        self.most = 0
        self._lasts_s = lasts_s
        self._met: set[bytes] = set()
        self._under_way: dict[bytes, float] = {}  # in the order of their beginnings

    def began(self, address: bytes, now_s: float) -> None:
        """Record a packet for a BMC."""
        if address in self._met:
            return
        under_way = self._under_way
        while under_way and now_s - next(iter(under_way.values())) > self._lasts_s:
            del under_way[next(iter(under_way))]
        under_way.setdefault(address, now_s)
        self.most = max(self.most, len(under_way))

    def answered(self, address: bytes) -> None:
        """Record that a BMC answered within a session, which ends the first contact."""
        if address not in self._met:
            self._met.add(address)
            self._under_way.pop(address, None)


class Lateness:
    """Maximum delay of the fleet's event loop since it was last taken."""

    def __init__(self) -> None:
        self._worst_s = 0.0

    def tick(self, due_s: float | None = None) -> None:
        """Measure the delay now, and every tick from now on."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        self._worst_s = max(self._worst_s, now_s - (now_s if due_s is None else due_s))
        loop.call_at(now_s + _TICK_S, self.tick, now_s + _TICK_S)

    def taken_s(self) -> float:
        """Return the maximum delay, and reset it."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s


class MetBmc(SimulatedBmc):
    """A simulated BMC that reports each answer within a session."""

    def __init__(self, machine: SimulatedMachine, answered: Callable[[], None]) -> None:
        super().__init__(machine)
        self._answered = answered

    @property
    def logged_in(self) -> int:
        """Number of open sessions; those that are being opened do not count."""
        return sum(session.keys is not None for session in self._sessions.values())

    def answer(self, data: bytes) -> bytes | None:
        """Answer a packet."""
        answer = super().answer(data)
        if answer and data[_PAYLOAD_TYPE] & 0x3F == rmcpplus.IPMI:
            self._answered()
        return answer


def peak_per_s(bins: Counter[int]) -> int:
    """Return the number of packets in the busiest second."""
    width = round(1 / _BIN_S)
    return max((sum(bins[first + i] for i in range(width)) for first in list(bins)), default=0)
