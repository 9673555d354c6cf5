"""Power of the idle node, observed while it idles, and fitted while it never does.

The mean power of the moments at which nearly no CPU was busy is the best answer, and most nodes
have such moments. For a node that is always loaded, power is taken as a straight line over the busy
part of the CPUs, whose intercept is the power of the idle machine: real machines draw less than
that line at low load (docs/energy.md has the error), so it never exceeds the lowest power seen.
While neither is known, nothing is charged as idle.

The sums fade with time, because machines change with their firmware and with the season.
"""

import math

import msgspec

_FADE_S = 24 * 3600.0
_MIN_S = 120.0
_MIN_DEVIATION = 0.1  # of the busy part, as a fraction of all CPUs
_IDLE_BELOW = 0.03


class IdlePower(msgspec.Struct):
    """Fading sums of the observations: seconds, busy fractions x, watts y."""

    seconds: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    idle_seconds: float = 0.0
    idle_joules: float = 0.0
    lowest_watts: float | None = None

    def observe(self, busy: float, watts: float, duration_s: float) -> None:
        """Add an interval: the fraction of the CPUs that was busy, and the mean power."""
        keep = math.exp(-duration_s / _FADE_S)
        if self.lowest_watts is not None:
            mean_watts = self.y / self.seconds
            risen_watts = self.lowest_watts + (mean_watts - self.lowest_watts) * (1 - keep)
            self.lowest_watts = min(risen_watts, watts)
        else:
            self.lowest_watts = watts
        self.seconds = self.seconds * keep + duration_s
        self.x = self.x * keep + busy * duration_s
        self.y = self.y * keep + watts * duration_s
        self.xx = self.xx * keep + busy * busy * duration_s
        self.xy = self.xy * keep + busy * watts * duration_s
        if busy <= _IDLE_BELOW:
            self.idle_seconds = self.idle_seconds * keep + duration_s
            self.idle_joules = self.idle_joules * keep + watts * duration_s

    @property
    def watts(self) -> float | None:
        """The power of the idle node; None while it is unknown."""
        if self.idle_seconds >= _MIN_S:
            return self.idle_joules / self.idle_seconds
        if self.seconds < _MIN_S or self.lowest_watts is None:
            return None
        busy, watts = self.x / self.seconds, self.y / self.seconds
        variance = self.xx / self.seconds - busy * busy
        if variance < _MIN_DEVIATION**2:
            return None
        slope = (self.xy / self.seconds - busy * watts) / variance
        return min(max(watts - slope * busy, 0.0), self.lowest_watts)
