"""Cache of the watched objects, and the mapping from a changed object to affected resources.

Lists, watches and the responses to the operator's own applies fill it: whichever comes first
counts, and an older version is dropped. So the watch event of an own apply is known as an echo.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rackwatt_crds.document import KINDS
from rackwatt_operator.kube.cached_object import CachedObject
from rackwatt_operator.kube.resources import PROMETHEUSES, ObjectKey
from rackwatt_operator.kube.tombstones import Tombstones

_NONE: frozenset[ObjectKey] = frozenset()
_PROMETHEUSES = frozenset(kind.kind for kind in PROMETHEUSES)


class Cache:
    """Objects by key. Every change returns the keys of the resources to reconcile."""

    def __init__(self) -> None:
        self.objects: dict[ObjectKey, CachedObject] = {}
        self._of_kind: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._owned: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._slices: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._claims: dict[ObjectKey, ObjectKey] = {}
        self._claimed: dict[ObjectKey, frozenset[ObjectKey]] = {}
        self._tombstones = Tombstones()
        self.newest = 0
        """Highest resource version seen."""

    def update(self, name: ObjectKey, now: CachedObject) -> frozenset[ObjectKey]:
        """Store the current state of an object."""
        self.newest = max(self.newest, now.resource_version)
        if not self.is_stale(name, now.resource_version):
            return _NONE
        before = self.objects.get(name)
        if before is not None and before.uid == now.uid and before.digest == now.digest:
            now.content, now.in_sync_hash = before.content, before.in_sync_hash
            self.objects[name] = now
            return self._affected_by_status(name, before, now)
        self._put(name, now)
        return self._affected(name, now) | (self._affected(name, before) if before else _NONE)

    def is_stale(self, name: ObjectKey, version: int) -> bool:
        """Return whether the cached state of an object, or its tombstone, is older than this."""
        before = self.objects.get(name)
        return (before.resource_version if before else self._tombstones.version(name)) < version

    def remove(self, name: ObjectKey, at_version: int | None = None) -> frozenset[ObjectKey]:
        """Remove an object, unless a later version than this one is cached.

        Without a version the object is only no longer visible, as after a revoked right, and may
        come back unchanged.
        """
        before = self.objects.get(name)
        if at_version is not None:
            if before is not None and before.resource_version > at_version:
                return _NONE
            self._tombstones.add(name, at_version)
        if before is None:
            return _NONE
        del self.objects[name]
        self._of_kind[name.kind].discard(name)
        self._disown(name, before)
        return self._affected(name, before)

    def rotate_tombstones(self) -> None:
        """Drop tombstones of objects deleted long ago, before everything is listed."""
        self._tombstones.rotate()

    def clear(self) -> None:
        """Drop all objects; keep the claims of resources on names."""
        self.objects.clear()
        self._of_kind.clear()
        self._owned.clear()
        self._slices.clear()
        self._tombstones = Tombstones()
        self.newest = 0

    def documents(self) -> Iterator[ObjectKey]:
        """Return the keys of all PowerTargets and SchedulerBindings."""
        return (name for kind in KINDS for name in self._of_kind[kind])

    def names(self, kind: str, namespace: str | None) -> list[ObjectKey]:
        """Return the keys of a kind, in one namespace or in all."""
        return [name for name in self._of_kind[kind] if namespace in (None, name.namespace)]

    def owned(self, uid: str) -> frozenset[ObjectKey]:
        """Return the keys of the objects that a resource owns."""
        return frozenset(self._owned.get(uid, _NONE))

    def slices(self, service: ObjectKey) -> frozenset[ObjectKey]:
        """Return the keys of the EndpointSlices of a Service."""
        return frozenset(self._slices.get(service, _NONE))

    def content(self, name: ObjectKey) -> dict[str, Any]:
        """Return what an object's author decided; the object must not be marked in sync."""
        decoded: dict[str, Any] = msgspec.json.decode(self.objects[name].content or b"{}")
        return decoded

    def status(self, name: ObjectKey) -> dict[str, Any]:
        """Return the status of an object; empty if the object does not exist."""
        now = self.objects.get(name)
        decoded: dict[str, Any] = msgspec.json.decode(now.status) if now and now.status else {}
        return decoded

    def claim(self, key: ObjectKey, children: Iterable[ObjectKey]) -> None:
        """Record the children of a resource: another object of that name affects it."""
        wanted = frozenset(children)
        before = self._claimed.get(key, _NONE)
        if wanted == before:
            return
        for name in before - wanted:
            if self._claims.get(name) == key:  # else another resource has claimed it since
                del self._claims[name]
        self._claims |= dict.fromkeys(wanted, key)
        if wanted:
            self._claimed[key] = wanted
        else:
            del self._claimed[key]

    def _put(self, name: ObjectKey, now: CachedObject) -> None:
        if (before := self.objects.get(name)) is not None:
            self._disown(name, before)
        self.objects[name] = now
        self._of_kind[name.kind].add(name)
        if now.owner and now.owner.ours:
            self._owned[now.owner.uid].add(name)
        for service in _services(name, now):
            self._slices[service].add(name)

    def _disown(self, name: ObjectKey, before: CachedObject) -> None:
        if before.owner and before.owner.ours:
            family = self._owned[before.owner.uid]
            family.discard(name)
            if not family:
                del self._owned[before.owner.uid]
        for service in _services(name, before):
            self._slices[service].discard(name)
            if not self._slices[service]:
                del self._slices[service]

    def _affected_by_status(
        self, name: ObjectKey, before: CachedObject, now: CachedObject
    ) -> frozenset[ObjectKey]:
        """Return the keys affected when nothing but a status has changed.

        The status of a PowerTarget or SchedulerBinding affects none: the operator wrote it.
        """
        changed = before.status != now.status or before.terminating != now.terminating
        if not changed or (name.kind in KINDS and before.terminating == now.terminating):
            return _NONE
        return self._affected(name, now)

    def _affected(self, name: ObjectKey, now: CachedObject) -> frozenset[ObjectKey]:
        if name.kind == "PowerTarget":
            return frozenset({name})
        if name.kind == "SchedulerBinding":
            return self._bound_to(name) | {name}
        if name.kind in _PROMETHEUSES:
            return frozenset(self.documents())
        if name.kind == "EndpointSlice":
            claimants = (self._claims.get(service) for service in _services(name, now))
            return frozenset(claimant for claimant in claimants if claimant)
        return self._affected_by_child(name, now)

    def _affected_by_child(self, name: ObjectKey, now: CachedObject) -> frozenset[ObjectKey]:
        claimant = self._claims.get(name)
        if now.owner and now.owner.ours:
            owner = ObjectKey(now.owner.kind, name.namespace, now.owner.name)
            return frozenset({owner, claimant} if claimant else {owner})
        return frozenset({claimant} if claimant else ())

    def _bound_to(self, binding: ObjectKey) -> frozenset[ObjectKey]:
        return frozenset(
            name
            for name in self.names("PowerTarget", binding.namespace)
            if binding.name in self.objects[name].references
        )


def _services(name: ObjectKey, now: CachedObject) -> Iterator[ObjectKey]:
    if name.kind == "EndpointSlice":
        yield from (ObjectKey("Service", name.namespace, service) for service in now.references)
