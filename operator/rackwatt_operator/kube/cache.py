"""Everything that concerns us in the cluster, as last seen, and whom a change of it concerns.

Filled by lists, kept by watches, and by what the API server answers to our own applies: whatever
comes first counts, and what is older than what is known is dropped. So an echo of our own doing is
known as one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rackwatt_crds.document import KINDS
from rackwatt_operator.kube.cached_object import CachedObject
from rackwatt_operator.kube.resources import PROMETHEUSES, ObjectKey
from rackwatt_operator.kube.tombstones import Tombstones

_NOBODY: frozenset[ObjectKey] = frozenset()
_PROMETHEUSES = frozenset(kind.kind for kind in PROMETHEUSES)


class Cache:
    """Objects by name. What changes it tells which documents are to be reconciled."""

    def __init__(self) -> None:
        self.objects: dict[ObjectKey, CachedObject] = {}
        self._of_kind: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._owned: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._slices: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._claims: dict[ObjectKey, ObjectKey] = {}
        self._claimed: dict[ObjectKey, frozenset[ObjectKey]] = {}
        self._gone = Tombstones()
        self.newest = 0
        """The highest version that was seen."""

    def note(self, name: ObjectKey, now: CachedObject) -> frozenset[ObjectKey]:
        """Take an object as it is now."""
        self.newest = max(self.newest, now.version)
        if not self.older(name, now.version):
            return _NOBODY
        before = self.objects.get(name)
        if before is not None and before.uid == now.uid and before.digest == now.digest:
            now.content, now.settled = before.content, before.settled
            self.objects[name] = now
            return self._concerned_by_status(name, before, now)
        self._put(name, now)
        return self._concerned(name, now) | (self._concerned(name, before) if before else _NOBODY)

    def older(self, name: ObjectKey, version: int) -> bool:
        """Tell whether what is known of an object, if only that it is gone, is older."""
        before = self.objects.get(name)
        return (before.version if before else self._gone.version(name)) < version

    def forget(self, name: ObjectKey, at_version: int | None = None) -> frozenset[ObjectKey]:
        """Take it that an object is gone, unless it was seen later than at this version.

        Without one it is out of sight alone, as for want of a right, and may come back as it was.
        """
        before = self.objects.get(name)
        if at_version is not None:
            if before is not None and before.version > at_version:
                return _NOBODY
            self._gone.note(name, at_version)
        if before is None:
            return _NOBODY
        del self.objects[name]
        self._of_kind[name.kind].discard(name)
        self._disown(name, before)
        return self._concerned(name, before)

    def age(self) -> None:
        """Let go of what is known of objects long gone: everything will be listed."""
        self._gone.age()

    def clear(self) -> None:
        """Forget everything but who wants to have what."""
        self.objects.clear()
        self._of_kind.clear()
        self._owned.clear()
        self._slices.clear()
        self._gone = Tombstones()
        self.newest = 0

    def documents(self) -> Iterator[ObjectKey]:
        """Name every document."""
        return (name for kind in KINDS for name in self._of_kind[kind])

    def names(self, kind: str, namespace: str | None) -> list[ObjectKey]:
        """Name the objects of a kind, in a namespace or everywhere."""
        return [name for name in self._of_kind[kind] if namespace in (None, name.namespace)]

    def owned(self, uid: str) -> frozenset[ObjectKey]:
        """Name what a document owns."""
        return frozenset(self._owned.get(uid, _NOBODY))

    def slices(self, service: ObjectKey) -> frozenset[ObjectKey]:
        """Name the EndpointSlices of a Service."""
        return frozenset(self._slices.get(service, _NOBODY))

    def content(self, name: ObjectKey) -> dict[str, Any]:
        """Give what an object's author decided; it must not be settled."""
        found: dict[str, Any] = msgspec.json.decode(self.objects[name].content or b"{}")
        return found

    def status(self, name: ObjectKey) -> dict[str, Any]:
        """Give what became of an object; nothing where it is not there."""
        now = self.objects.get(name)
        found: dict[str, Any] = msgspec.json.decode(now.status) if now and now.status else {}
        return found

    def claim(self, key: ObjectKey, children: Iterable[ObjectKey]) -> None:
        """Note what a document wants to have: it hears of whoever else has such a name."""
        wanted = frozenset(children)
        before = self._claimed.get(key, _NOBODY)
        if wanted == before:
            return
        for name in before - wanted:
            if self._claims.get(name) == key:  # else somebody else has claimed it since
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

    def _concerned_by_status(
        self, name: ObjectKey, before: CachedObject, now: CachedObject
    ) -> frozenset[ObjectKey]:
        """Tell who is to look when nothing but its status has changed: nobody at a document's own.

        A document's status is ours, so a change of it is our own doing.
        """
        changed = before.status != now.status or before.terminating != now.terminating
        if not changed or (name.kind in KINDS and before.terminating == now.terminating):
            return _NOBODY
        return self._concerned(name, now)

    def _concerned(self, name: ObjectKey, now: CachedObject) -> frozenset[ObjectKey]:
        if name.kind == "PowerTarget":
            return frozenset({name})
        if name.kind == "SchedulerBinding":
            return self._bound_to(name) | {name}
        if name.kind in _PROMETHEUSES:
            return frozenset(self.documents())
        if name.kind == "EndpointSlice":
            claimants = (self._claims.get(service) for service in _services(name, now))
            return frozenset(claimant for claimant in claimants if claimant)
        return self._concerned_by_child(name, now)

    def _concerned_by_child(self, name: ObjectKey, now: CachedObject) -> frozenset[ObjectKey]:
        claimant = self._claims.get(name)
        if now.owner and now.owner.ours:
            owner = ObjectKey(now.owner.kind, name.namespace, now.owner.name)
            return frozenset({owner, claimant} if claimant else {owner})
        return frozenset({claimant} if claimant else ())

    def _bound_to(self, binding: ObjectKey) -> frozenset[ObjectKey]:
        return frozenset(
            name
            for name in self.names("PowerTarget", binding.namespace)
            if binding.name in self.objects[name].about
        )


def _services(name: ObjectKey, now: CachedObject) -> Iterator[ObjectKey]:
    if name.kind == "EndpointSlice":
        yield from (ObjectKey("Service", name.namespace, service) for service in now.about)
