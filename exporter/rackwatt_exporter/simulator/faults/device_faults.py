"""Faults of simulated devices, which can change at any moment.

The layers around the servers, `udp_faults` and `http_faults`, apply the faults of the network
(silence, delay, loss, garbage, restarts); they read the state here at each packet and request. The
faults of the device itself (off, full, of another vendor) are set at its `SimulatedMachine`, which
the servers read.
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

MAX_WAITING = 16  # requests that a slow device queues, before it drops them
RETRANSMITTED_S = 0.2  # what a lost packet costs a TCP connection, at first
T = TypeVar("T")

STRANGER = SimulatedLogin(
    "stranger", "someone-elses", "secret", "someone-elses-auth", "someone-elses-priv"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """The faults of one device; shares are in 0..1.

    `latency_s` delays each response; `slow_s` is the time of each request in a queue. The device
    restarts every `restart_every_s`, is silent for `down_s` then, and has lost its sessions.
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


class FaultState:
    """State of one device: its fault, since when, and how often it has restarted."""

    def __init__(self, fault: Fault, phase: float, restarts: int, generator: random.Random) -> None:
        self.fault = fault
        self._random = generator
        self._restarts = restarts
        self._down_until_s = 0.0
        self._free_at_s = 0.0
        # Devices do not restart in step.
        self._began_s = time.monotonic() - phase * fault.restart_every_s

    def happens(self, share: float) -> bool:
        """Return whether an event of this probability happens."""
        return share > 0 and self._random.random() < share

    def choose(self, choices: Sequence[T]) -> T:
        """Choose one at random."""
        return self._random.choice(choices)

    def corrupted(self, data: bytes) -> bytes:
        """Corrupt a message: cut it, change bytes in it, or replace it."""
        kind = self._random.randrange(3)
        if kind == 0:
            return data[: self._random.randrange(len(data) + 1)]
        if kind == 1:
            return self._random.randbytes(len(data))
        offset = self._random.randrange(len(data) + 1)
        return data[:offset] + self._random.randbytes(4) + data[offset + 4 :]

    def restart(self, down_s: float) -> None:
        """Restart now."""
        self._restarts += 1
        self._down_until_s = time.monotonic() + down_s

    @property
    def restarts(self) -> int:
        """How often the device has restarted; a layer that has counted fewer restarts it."""
        every_s = self.fault.restart_every_s
        passed = int((time.monotonic() - self._began_s) / every_s) if every_s else 0
        return self._restarts + passed

    @property
    def silent(self) -> bool:
        """Whether the device does not respond now."""
        now_s, every_s = time.monotonic(), self.fault.restart_every_s
        if self.fault.dead or now_s < self._down_until_s:
            return True
        passed_s = now_s - self._began_s
        return every_s > 0 and passed_s > every_s and passed_s % every_s < self.fault.down_s

    def delay_s(self) -> float | None:
        """Add a request to the queue and return its delay; None where the queue is full."""
        if not self.fault.slow_s:
            return self.fault.latency_s
        now_s = time.monotonic()
        done_s = max(now_s, self._free_at_s) + self.fault.slow_s
        if done_s - now_s > MAX_WAITING * self.fault.slow_s:
            return None
        self._free_at_s = done_s
        return done_s - now_s + self.fault.latency_s

    def retransmission_s(self) -> float:
        """Return the delay by lost packets of a TCP connection, with exponential back-off."""
        lost = 0
        while lost < 8 and self.happens(self.fault.loss):
            lost += 1
        return RETRANSMITTED_S * (2.0**lost - 1)


class Faults:
    """The faults of a fleet, by IPv4 address."""

    def __init__(self, machines: Iterable[SimulatedMachine] = (), seed: int = 0) -> None:
        self._machines = {machine.address: machine for machine in machines}
        self._healthy: dict[str, SimulatedMachine] = {}
        self._states: dict[bytes, FaultState] = {}
        self._random = random.Random(seed)  # noqa: S311 - scenery

    def state(self, address: bytes) -> FaultState | None:
        """Return the state of the device at a packed address; None where it has no fault."""
        return self._states.get(address)

    def set(self, address: str, fault: Fault) -> None:
        """Replace the fault of the device at an address."""
        packed = socket.inet_aton(address)
        before = self._states.get(packed)
        restarts = before.restarts if before else 0
        phase = zlib.crc32(packed) / 2**32
        self._states[packed] = FaultState(fault, phase, restarts, self._random)
        self._update_machine(address, fault)

    def clear(self, address: str) -> None:
        """Remove the fault of a device."""
        if socket.inet_aton(address) in self._states:
            self.set(address, Fault())

    def apply(self, wanted: dict[str, Fault]) -> None:
        """Set the faults of these devices and clear all others; unchanged ones are kept."""
        for address in self._healthy.keys() - wanted.keys():
            self.clear(address)
        for address, fault in wanted.items():
            present = self._states.get(socket.inet_aton(address))
            if present is None or present.fault != fault:
                self.set(address, fault)

    def restart(self, address: str, down_s: float = 0.0) -> None:
        """Restart a device: it is silent for `down_s`, and has lost its sessions."""
        packed = socket.inet_aton(address)
        if packed not in self._states:
            self.set(address, Fault())
        self._states[packed].restart(down_s)

    def restart_all(self, down_s: float = 0.0) -> None:
        """Restart every device, as after a power cut."""
        for address in self._machines:
            self.restart(address, down_s)

    def _update_machine(self, address: str, fault: Fault) -> None:
        machine = self._machines[address]
        healthy = self._healthy.setdefault(address, replace(machine))
        machine.powered_on = healthy.powered_on and not fault.powered_off
        machine.login = STRANGER if fault.wrong_credentials else healthy.login
        machine.sessions = healthy.sessions if fault.sessions is None else fault.sessions
        machine.engine = healthy.engine + fault.new_engine
        machine.vendor = fault.vendor or healthy.vendor
