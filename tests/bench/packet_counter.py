"""What a simulated fleet counts of those who ask it: packets, and how many are met at once.

It stands where every packet passes anyway: the faults, which servers ask about each of them.
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
_PAYLOAD_TYPE = 5  # where it stands in a packet of RMCP+


@dataclass(frozen=True, slots=True)
class Told:
    """What was counted since the last time; `contacts` is how many were met at once, at any time.

    `sessions` are open now at BMCs that lose no packet, `lossy_sessions` at those that do;
    `half_open` are log-ins that nobody has finished. `late_s` is how late the fleet itself was at
    worst: it answers so much later than it says, and sees everybody so much later than they came.
    """

    packets: int
    peak_per_s: int
    contacts: int
    sessions: int
    lossy_sessions: int
    half_open: int
    late_s: float


class Arrivals(Faults):
    """Faults that note when somebody came: each datagram; each connection and request of HTTP."""

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
    """BMCs that were first spoken to within the last `lasts_s`, and have not answered yet.

    `most` is how many there were at once. Only BMCs that tell when they answer are counted right.
    """

    def __init__(self, lasts_s: float) -> None:
        self.most = 0
        self._lasts_s = lasts_s
        self._met: set[bytes] = set()
        self._under_way: dict[bytes, float] = {}  # in the order of their beginnings

    def began(self, address: bytes, now_s: float) -> None:
        """Note a packet for a BMC."""
        if address in self._met:
            return
        under_way = self._under_way
        while under_way and now_s - next(iter(under_way.values())) > self._lasts_s:
            del under_way[next(iter(under_way))]
        under_way.setdefault(address, now_s)
        self.most = max(self.most, len(under_way))

    def answered(self, address: bytes) -> None:
        """Note that a BMC answered within a session: it is met."""
        if address not in self._met:
            self._met.add(address)
            self._under_way.pop(address, None)


class Lateness:
    """How late the event loop of the fleet is at worst, since it was asked last."""

    def __init__(self) -> None:
        self._worst_s = 0.0

    def tick(self, due_s: float | None = None) -> None:
        """Look, now and from now on."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        self._worst_s = max(self._worst_s, now_s - (now_s if due_s is None else due_s))
        loop.call_at(now_s + _TICK_S, self.tick, now_s + _TICK_S)

    def taken_s(self) -> float:
        """Tell it, and begin anew."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s


class MetBmc(SimulatedBmc):
    """A simulated BMC that tells when it answers within a session."""

    def __init__(self, machine: SimulatedMachine, answered: Callable[[], None]) -> None:
        super().__init__(machine)
        self._answered = answered

    @property
    def logged_in(self) -> int:
        """How many sessions are open; those that are being opened are not."""
        return sum(session.keys is not None for session in self._sessions.values())

    def answer(self, data: bytes) -> bytes | None:
        """Answer a packet."""
        answer = super().answer(data)
        if answer and data[_PAYLOAD_TYPE] & 0x3F == rmcpplus.IPMI:
            self._answered()
        return answer


def peak_per_s(bins: Counter[int]) -> int:
    """Tell how many came in the busiest second."""
    width = round(1 / _BIN_S)
    return max((sum(bins[first + i] for i in range(width)) for first in list(bins)), default=0)
