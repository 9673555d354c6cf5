"""A half-open window of time: a second belongs to one window, whatever the windows."""

from typing import NamedTuple


class Window(NamedTuple):
    """The seconds from `from_s` to before `to_s`, Unix times."""

    from_s: int
    to_s: int

    @property
    def seconds(self) -> int:
        """How long it is; 0 where it is empty."""
        return max(0, self.to_s - self.from_s)

    def overlap(self, other: "Window") -> "Window":
        """Return what both have; it may be empty."""
        from_s = max(self.from_s, other.from_s)
        return Window(from_s, max(from_s, min(self.to_s, other.to_s)))
