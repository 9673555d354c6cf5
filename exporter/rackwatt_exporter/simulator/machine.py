"""Simulated machine: its power over time, and the properties of its BMC.

Watts are a pure function of time, so that three protocols, an energy counter and a test agree. The
properties of its BMC (vendor, number of sessions) can change: servers read them at each request.
"""

import zlib
from dataclasses import dataclass, field

from rackwatt_exporter.reading import Statistics
from rackwatt_exporter.simulator.vendors import GENERIC, Vendor
from rackwatt_exporter.simulator.workload import day, day_seconds, job_seconds, jobs, last_change_s

INSTALLED_S = 1_767_225_600.0  # 2026-01-01: start of the simulated counters


@dataclass(slots=True)
class SimulatedLogin:
    """Credentials of a client; SNMP's passwords are those of version 3.

    `kg` is the BMC's own key (IPMI's K_g); empty means that it has none.
    """

    username: str = "monitor"
    password: str = "simulated"  # noqa: S105
    community: str = "public"
    auth_password: str = "simulated-auth"  # noqa: S105
    priv_password: str = "simulated-priv"  # noqa: S105
    kg: bytes = b""


@dataclass(slots=True)
class SimulatedMachine:
    """One machine and its BMC at an address.

    `phase` in 0..1 shifts its day against its neighbours'. `restless` in 0..1 is the part of its
    watts above idle that jobs decide, in steps; the time of day decides the rest. `sessions` None
    means as many as its vendor has; `engine` is part of the agent's SNMP engine id.
    """

    name: str
    address: str
    idle_watts: float = 180.0
    peak_watts: float = 520.0
    phase: float = 0.0
    powered_on: bool = True
    login: SimulatedLogin = field(default_factory=SimulatedLogin)
    restless: float = 0.0
    vendor: Vendor = GENERIC
    sessions: int | None = None
    engine: int = 0
    _offset: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._offset = zlib.crc32(self.name.encode()) / 2**32

    @property
    def max_sessions(self) -> int:
        """Maximum number of the BMC's sessions."""
        return self.vendor.sessions if self.sessions is None else self.sessions

    def watts(self, time_s: float) -> float:
        """Return the power at a time (seconds since the epoch)."""
        busy = (1 - self.restless) * day(time_s, self.phase)
        if self.restless:
            busy += self.restless * jobs(time_s, self._offset)
        return self.idle_watts + (self.peak_watts - self.idle_watts) * busy

    def joules(self, time_s: float) -> float:
        """Return the energy counter at a time: the integral of `watts` since `INSTALLED_S`."""
        return self._integral(time_s) - self._integral(INSTALLED_S)

    def statistics(self, time_s: float, window_s: float = 60.0) -> Statistics:
        """Return mean, minimum and maximum over the window that ends at a time."""
        began_s = time_s - window_s
        seen = [self.watts(began_s), self.watts(time_s)]
        if self.restless and (change_s := last_change_s(time_s, self._offset)) > began_s:
            seen += [self.watts(change_s - 1), self.watts(change_s + 1)]
        mean = (self.joules(time_s) - self.joules(began_s)) / window_s
        return Statistics(mean, min(*seen, mean), max(*seen, mean), window_s)

    def _integral(self, time_s: float) -> float:
        busy_s = (1 - self.restless) * day_seconds(time_s, self.phase)
        busy_s += self.restless * job_seconds(time_s, self._offset)
        return self.idle_watts * time_s + (self.peak_watts - self.idle_watts) * busy_s
