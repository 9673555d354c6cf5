"""How soon numbers follow what was written last: at once after a while of quiet, then ever slower.

A condition that changes is mostly the first of several news: the next targets answer seconds later.
Numbers that then waited for their minute would stand beside a condition that they no longer fit.
"""

from dataclasses import dataclass

FIRST_S = 3.0
SLOWEST_S = 60.0
_QUIET_S = 2 * SLOWEST_S


@dataclass(frozen=True, slots=True)
class WriteThrottle:
    """When a status was last written, and how long numbers wait after that, in seconds."""

    written_s: float = float("-inf")
    wait_s: float = FIRST_S

    def due_in_s(self, now_s: float) -> float:
        """Tell for how long numbers have to wait yet."""
        return max(0.0, self.written_s + self.wait_s - now_s)

    def wrote(self, now_s: float, urgent: bool) -> "WriteThrottle":
        """Begin anew where there was something urgent, or quiet before; else wait twice as long."""
        if urgent or now_s - self.written_s > _QUIET_S:
            return WriteThrottle(now_s)
        return WriteThrottle(now_s, min(2 * self.wait_s, SLOWEST_S))
