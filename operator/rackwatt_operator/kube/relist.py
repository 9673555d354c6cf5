"""Lists of all watched kinds: once watches have started, and at every resync.

A watch can lose events while it is disconnected, deletions above all, and one that has gone silent
delivers none. A list finds the difference. Resource versions decide between the list and events
that came meanwhile.
"""

import logging
import time
from collections.abc import Iterable, Sequence

from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import object_key, parse_object, resource_version
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.constants import MANAGED_BY, MANAGER
from rackwatt_operator.kube.resources import (
    CHILDREN,
    ENDPOINT_SLICE,
    POWER_TARGET,
    ObjectKey,
    Resource,
)
from rackwatt_operator.metrics import LAST_LIST

log = logging.getLogger(__name__)

OWN_SELECTOR = f"{MANAGED_BY}={MANAGER}"
LABELLED = frozenset({*CHILDREN, ENDPOINT_SLICE})
"""Kinds listed and watched with a label selector; a slice inherits its Service's labels."""


class Relister:
    """Lists kinds in the watched namespaces (all, if none is named)."""

    def __init__(self, client: Client, cache: Cache, namespaces: Sequence[str]) -> None:
        self._client = client
        self._cache = cache
        self._namespaces: Sequence[str | None] = namespaces or (None,)

    async def refresh(self, kinds: Iterable[Resource]) -> set[ObjectKey]:
        """List these kinds, remove all others, and return the affected resources.

        Raises:
            ApiError: a list was rejected, or there was no response.
        """
        await self._clear_after_restore()
        self._cache.rotate_tombstones()
        affected: set[ObjectKey] = set()
        listed = {kind.kind for kind in kinds}
        for kind in kinds:
            for namespace in self._namespaces:
                affected |= await self._list(kind, namespace)
        for name in [name for name in self._cache.objects if name.kind not in listed]:
            affected |= self._cache.remove(name)
        LAST_LIST.set(time.time())
        return affected

    def documents(self) -> list[ObjectKey]:
        """Return the keys of all PowerTargets and SchedulerBindings."""
        return list(self._cache.documents())

    async def _clear_after_restore(self) -> None:
        """Clear the cache when the cluster was restored from a backup to an earlier state."""
        newest = self._cache.newest
        if await self._client.version(POWER_TARGET.path(self._namespaces[0])) < newest:
            log.warning("resource versions went backwards: clearing the cache")
            self._cache.clear()

    async def _list(self, kind: Resource, namespace: str | None) -> set[ObjectKey]:
        lost = set(self._cache.names(kind.kind, namespace))
        query = {"labelSelector": OWN_SELECTOR} if kind in LABELLED else {}
        affected: set[ObjectKey] = set()
        seen_until = 0
        async for items, at_version in self._client.list_pages(kind.path(namespace), **query):
            seen_until = at_version
            for item in items:
                name = object_key(item, kind.kind)
                lost.discard(name)
                if self._cache.is_stale(name, resource_version(item)):
                    affected |= self._cache.update(name, parse_object(item, kind.kind))
        for name in lost:
            affected |= self._cache.remove(name, seen_until)
        return affected
