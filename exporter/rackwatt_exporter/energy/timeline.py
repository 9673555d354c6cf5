"""Last readings of a counter, and its value at any moment between them.

The energy of a node and the CPU time of its units are read at different moments, up to an interval
apart: a BMC takes a second to respond. What is divided and what it is divided by must be of the
same time, so both are interpolated at one moment that both cover. Between two readings a counter is
taken to increase evenly; what is interpolated adds up to the readings in any case.
"""

from typing import NamedTuple

_READINGS = 64


class Point(NamedTuple):
    """A reading: seconds of the monotonic clock, and the counter then."""

    at_s: float
    value: int


class Timeline:
    """A counter that never decreases, by its last readings."""

    def __init__(self) -> None:
        self._points: list[Point] = []

    @property
    def last_s(self) -> float:
        """The time of the last reading; before any there is none, so it is minus infinity."""
        return self._points[-1].at_s if self._points else float("-inf")

    def add(self, at_s: float, value: int) -> None:
        """Add a reading, unless it is one that was added before.

        A counter that decreased is another one: what was before it is forgotten.
        """
        if at_s <= self.last_s:
            return
        if self._points and value < self._points[-1].value:
            self._points.clear()
        self._points.append(Point(at_s, value))
        if len(self._points) > _READINGS:
            del self._points[1:-1:2]  # another reading is slow: what is in between is interpolated

    def forget_before(self, time_s: float) -> None:
        """Drop what is not needed from this moment on."""
        while len(self._points) > 1 and self._points[1].at_s <= time_s:
            del self._points[0]

    def at(self, time_s: float) -> int | None:
        """Return the value at a moment; None before the first reading and after the last."""
        if not self._points or not self._points[0].at_s <= time_s <= self.last_s:
            return None
        after = self._points[0]
        for point in reversed(self._points):
            if point.at_s <= time_s:
                return between(point, after, time_s) if after.at_s > time_s else point.value
            after = point
        return None


def between(before: Point, after: Point, time_s: float) -> int:
    """Return the value between two readings, rounded to an integer."""
    fraction = (time_s - before.at_s) / (after.at_s - before.at_s)
    return before.value + round((after.value - before.value) * fraction)
