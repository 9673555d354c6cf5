"""What is gone, and since which version: whoever tells of it late, as of an earlier time, errs.

A list that was asked before an object was deleted, and the answer to an apply that a deletion has
overtaken, would bring it back for ten minutes: a child that is not there and is not made, or a
document whose children are made and collected as garbage in turns.
"""

from rackwatt_operator.kube.resources import ObjectKey


class Tombstones:
    """Names of what is gone, kept from one listing of everything to the next but one."""

    def __init__(self) -> None:
        self._young: dict[ObjectKey, int] = {}
        self._old: dict[ObjectKey, int] = {}

    def note(self, name: ObjectKey, version: int) -> None:
        """Take it that at this version an object was not there."""
        self._young[name] = max(version, self.version(name))

    def version(self, name: ObjectKey) -> int:
        """Tell at which version an object was last known not to be there; 0 if it never was."""
        return max(self._young.get(name, 0), self._old.get(name, 0))

    def age(self) -> None:
        """Let go of what was old already: no question is still open that was asked before it."""
        self._old, self._young = self._young, {}
