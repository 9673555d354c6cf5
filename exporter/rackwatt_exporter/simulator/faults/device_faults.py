"""What simulated devices suffer from: told in one place, and changed at any moment.

A fault has two sides. What happens on the way (silence, delay, loss, garbage, restarts) is done by
the layers around the servers, `faulty_datagrams` and `faulty_http`, which ask here at each packet
and request. What the device itself is like then (off, full, of another vendor) is noted at its
`Machine`, where servers look anyway.
"""

import random
import socket
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from rackwatt_exporter.simulator.machine import SimulatedLogin, SimulatedMachine
from rackwatt_exporter.simulator.vendors import Vendor

MOST_WAITING = 16  # requests that a slow device keeps, before it drops them
RETRANSMITTED_S = 0.2  # what a lost packet costs a TCP connection, at first
T = TypeVar("T")

STRANGER = SimulatedLogin(
    "stranger", "someone-elses", "secret", "someone-elses-auth", "someone-elses-priv"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """All that one device may suffer from; shares are in 0..1.

    `latency_s` delays each answer, `slow_s` is what the device needs for one after another. It
    restarts every `restart_every_s`, is silent for `down_s` then, and has forgotten its sessions.
    """

    dead: bool = False
    latency_s: float = 0.0
    slow_s: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    garbage: float = 0.0
    restart_every_s: float = 0.0
    down_s: float = 0.0
    powered_off: bool = False
    wrong_credentials: bool = False
    sessions: int | None = None
    new_engine: bool = False
    certificate: Literal["good", "expired", "stranger"] = "good"
    vendor: Vendor | None = None


class Condition:
    """How one device is now: its fault, since when, and how often it has restarted."""

    def __init__(self, fault: Fault, phase: float, restarts: int, chance: random.Random) -> None:
        self.fault = fault
        self._chance = chance
        self._restarts = restarts
        self._down_until_s = 0.0
        self._free_at_s = 0.0
        # Devices do not restart in step.
        self._began_s = time.monotonic() - phase * fault.restart_every_s

    def happens(self, share: float) -> bool:
        """Throw the dice."""
        return share > 0 and self._chance.random() < share

    def one_of(self, choices: Sequence[T]) -> T:
        """Choose one."""
        return self._chance.choice(choices)

    def spoilt(self, data: bytes) -> bytes:
        """Make garbage of what was to be sent: cut it, change bytes in it, or replace it."""
        kind = self._chance.randrange(3)
        if kind == 0:
            return data[: self._chance.randrange(len(data) + 1)]
        if kind == 1:
            return self._chance.randbytes(len(data))
        place = self._chance.randrange(len(data) + 1)
        return data[:place] + self._chance.randbytes(4) + data[place + 4 :]

    def restart(self, down_s: float) -> None:
        """Restart now."""
        self._restarts += 1
        self._down_until_s = time.monotonic() + down_s

    @property
    def restarts(self) -> int:
        """Return how often the device has restarted; whoever knows less must make it forget."""
        every_s = self.fault.restart_every_s
        passed = int((time.monotonic() - self._began_s) / every_s) if every_s else 0
        return self._restarts + passed

    @property
    def silent(self) -> bool:
        """Return whether nothing is to be heard of it now."""
        now_s, every_s = time.monotonic(), self.fault.restart_every_s
        if self.fault.dead or now_s < self._down_until_s:
            return True
        passed_s = now_s - self._began_s
        return every_s > 0 and passed_s > every_s and passed_s % every_s < self.fault.down_s

    def delay_s(self) -> float | None:
        """Take a place in the queue; None where it is full."""
        if not self.fault.slow_s:
            return self.fault.latency_s
        now_s = time.monotonic()
        done_s = max(now_s, self._free_at_s) + self.fault.slow_s
        if done_s - now_s > MOST_WAITING * self.fault.slow_s:
            return None
        self._free_at_s = done_s
        return done_s - now_s + self.fault.latency_s

    def retransmitted_s(self) -> float:
        """Return what lost packets cost a connection that sends them again, ever later."""
        lost = 0
        while lost < 8 and self.happens(self.fault.loss):
            lost += 1
        return RETRANSMITTED_S * (2.0**lost - 1)


class Faults:
    """The faults of a fleet, by IPv4 address; a device without any is not in it."""

    def __init__(self, machines: Iterable[SimulatedMachine] = (), seed: int = 0) -> None:
        self._machines = {machine.address: machine for machine in machines}
        self._healthy: dict[str, SimulatedMachine] = {}
        self._conditions: dict[bytes, Condition] = {}
        self._chance = random.Random(seed)  # noqa: S311 - scenery

    def condition(self, address: bytes) -> Condition | None:
        """Return how the device at a packed address is; None where nothing ails it."""
        return self._conditions.get(address)

    def set(self, address: str, fault: Fault) -> None:
        """Let the device at an address have this fault, and no other, from now on."""
        packed = socket.inet_aton(address)
        before = self._conditions.get(packed)
        restarts = before.restarts if before else 0
        phase = zlib.crc32(packed) / 2**32
        self._conditions[packed] = Condition(fault, phase, restarts, self._chance)
        self._note(address, fault)

    def clear(self, address: str) -> None:
        """Let the device be well."""
        if socket.inet_aton(address) in self._conditions:
            self.set(address, Fault())

    def be(self, wanted: dict[str, Fault]) -> None:
        """Let these devices have these faults and all others none; what stays is not disturbed."""
        for address in self._healthy.keys() - wanted.keys():
            self.clear(address)
        for address, fault in wanted.items():
            present = self._conditions.get(socket.inet_aton(address))
            if present is None or present.fault != fault:
                self.set(address, fault)

    def restart(self, address: str, down_s: float = 0.0) -> None:
        """Restart a device: it is silent for a while, and has forgotten its sessions."""
        packed = socket.inet_aton(address)
        if packed not in self._conditions:
            self.set(address, Fault())
        self._conditions[packed].restart(down_s)

    def restart_all(self, down_s: float = 0.0) -> None:
        """Restart every device, as after a power cut."""
        for address in self._machines:
            self.restart(address, down_s)

    def _note(self, address: str, fault: Fault) -> None:
        machine = self._machines[address]
        well = self._healthy.setdefault(address, replace(machine))
        machine.powered_on = well.powered_on and not fault.powered_off
        machine.login = STRANGER if fault.wrong_credentials else well.login
        machine.sessions = well.sessions if fault.sessions is None else fault.sessions
        machine.engine = well.engine + fault.new_engine
        machine.vendor = fault.vendor or well.vendor
