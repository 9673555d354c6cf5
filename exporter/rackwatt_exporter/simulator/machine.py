"""A simulated machine: who it is, and the watts it draws as its day goes by.

Watts are a pure function of time, so that three protocols, a counter of joules and a test that
knows the truth all tell the same story.
"""

import math
from dataclasses import dataclass, field

from rackwatt_exporter.reading import Statistics

DAY_S = 86_400.0
INSTALLED_S = 1_767_225_600.0  # 2026-01-01: when the simulated counters began


@dataclass(slots=True)
class Login:
    """What a client must know to be let in; SNMP's passwords are those of version 3."""

    username: str = "monitor"
    password: str = "simulated"  # noqa: S105
    community: str = "public"
    auth_password: str = "simulated-auth"  # noqa: S105
    priv_password: str = "simulated-priv"  # noqa: S105


@dataclass(slots=True)
class Machine:
    """One machine and its BMC at an address; `phase` in 0..1 sets it apart from its neighbours."""

    name: str
    address: str
    idle_watts: float = 180.0
    peak_watts: float = 520.0
    phase: float = 0.0
    powered_on: bool = True
    login: Login = field(default_factory=Login)

    def watts(self, time_s: float) -> float:
        """Tell the power at a time (seconds since the epoch)."""
        swing = math.sin(2 * math.pi * (time_s / DAY_S + self.phase))
        return self.idle_watts + (self.peak_watts - self.idle_watts) * (1 + swing) / 2

    def joules(self, time_s: float) -> float:
        """Tell the running counter at a time: the exact integral of `watts` since `INSTALLED_S`."""
        return self._integral(time_s) - self._integral(INSTALLED_S)

    def statistics(self, time_s: float, window_s: float = 60.0) -> Statistics:
        """Tell mean, least and most over the window that ends at a time."""
        ends = (self.watts(time_s - window_s), self.watts(time_s))
        mean = (self.joules(time_s) - self.joules(time_s - window_s)) / window_s
        return Statistics(mean, min(ends), max(ends), window_s)

    def _integral(self, time_s: float) -> float:
        mean = (self.idle_watts + self.peak_watts) / 2
        swing = (self.peak_watts - self.idle_watts) / 2 * DAY_S / (2 * math.pi)
        return mean * time_s - swing * math.cos(2 * math.pi * (time_s / DAY_S + self.phase))
