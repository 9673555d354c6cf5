"""Write throttle of a status: numbers are written at once after a quiet time, then ever less often.

A changed condition is mostly the first of several changes: more targets respond seconds later. With
a fixed interval of a minute the numbers would contradict the condition beside them.
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
        """Return for how many seconds numbers have to wait."""
        return max(0.0, self.written_s + self.wait_s - now_s)

    def wrote(self, now_s: float, urgent: bool) -> "WriteThrottle":
        """Return the next state: reset if urgent or after a quiet time, else twice the wait."""
        if urgent or now_s - self.written_s > _QUIET_S:
            return WriteThrottle(now_s)
        return WriteThrottle(now_s, min(2 * self.wait_s, SLOWEST_S))
