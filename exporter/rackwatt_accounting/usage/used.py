"""What was used: whole numbers, so that sums of sums are exact."""

from operator import add
from typing import NamedTuple


class Used(NamedTuple):
    """Seconds of what was allocated, and the energy of it in millijoules.

    `covered_s` is how many of the `wall_s` were measured.
    """

    started: int = 0
    ended: int = 0
    wall_s: int = 0
    cpu_s: int = 0
    mem_mib_s: int = 0
    gpu_s: int = 0
    node_s: int = 0
    billing_s: int = 0
    host_mj: int = 0
    gpu_mj: int = 0
    covered_s: int = 0

    def plus(self, other: "Used") -> "Used":
        """Return both together."""
        return Used(*map(add, self, other))

    @property
    def coverage(self) -> float:
        """The part of the seconds whose energy was measured; 0 of none."""
        return self.covered_s / self.wall_s if self.wall_s else 0.0
