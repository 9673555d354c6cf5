"""Tombstones: keys of deleted objects, with the resource version of the deletion.

A list requested before an object was deleted, and the response to an apply that a deletion has
overtaken, would bring the object back for ten minutes: a missing child would not be created, or the
children of a deleted resource would be created and garbage-collected in turns.
"""

from rackwatt_operator.kube.resources import ObjectKey


class Tombstones:
    """Deleted keys, kept for two full lists."""

    def __init__(self) -> None:
        self._young: dict[ObjectKey, int] = {}
        self._old: dict[ObjectKey, int] = {}

    def add(self, name: ObjectKey, version: int) -> None:
        """Record that an object did not exist at this version."""
        self._young[name] = max(version, self.version(name))

    def version(self, name: ObjectKey) -> int:
        """Return the last version at which an object did not exist; 0 if unknown."""
        return max(self._young.get(name, 0), self._old.get(name, 0))

    def rotate(self) -> None:
        """Drop the older half: no request from before it is still pending."""
        self._old, self._young = self._young, {}
