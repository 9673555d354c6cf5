"""Everything listed, so that what is known is true: once watching has begun, and now and then.

A watch can lose what happens while it is cut off, deletions above all, and one that has gone silent
tells nothing at all. A list finds it. Versions decide between the list and what came meanwhile.
"""

import logging
import time
from collections.abc import Iterable, Sequence

from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import ref, seen, version
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

OWN = f"{MANAGED_BY}={MANAGER}"
LABELLED = frozenset({*CHILDREN, ENDPOINT_SLICE})
"""Kinds of which we see those alone that bear our label; a slice has its Service's."""


class Relister:
    """Lists kinds, in the namespaces that are ours to look at (all, where none is named)."""

    def __init__(self, client: Client, observed: Cache, namespaces: Sequence[str]) -> None:
        self._client = client
        self._observed = observed
        self._places: Sequence[str | None] = namespaces or (None,)

    async def refresh(self, kinds: Iterable[Resource]) -> set[ObjectKey]:
        """List these kinds and forget all others; tell which documents that concerns.

        Raises:
            ApiError: a list was refused, or not answered.
        """
        await self._hold_time()
        self._observed.age()
        concerned: set[ObjectKey] = set()
        listed = {kind.kind for kind in kinds}
        for kind in kinds:
            for place in self._places:
                concerned |= await self._list(kind, place)
        for name in [name for name in self._observed.objects if name.kind not in listed]:
            concerned |= self._observed.forget(name)
        LAST_LIST.set(time.time())
        return concerned

    def documents(self) -> list[ObjectKey]:
        """Name every document there is."""
        return list(self._observed.documents())

    async def _hold_time(self) -> None:
        """Forget everything when the cluster was put back to an earlier state, from a backup."""
        newest = self._observed.newest
        if await self._client.version(POWER_TARGET.path(self._places[0])) < newest:
            log.warning("the cluster's versions went backwards: all is read anew")
            self._observed.clear()

    async def _list(self, kind: Resource, place: str | None) -> set[ObjectKey]:
        lost = set(self._observed.names(kind.kind, place))
        asked = {"labelSelector": OWN} if kind in LABELLED else {}
        concerned: set[ObjectKey] = set()
        seen_until = 0
        async for items, at_version in self._client.chunks(kind.path(place), **asked):
            seen_until = at_version
            for item in items:
                name = ref(item, kind.kind)
                lost.discard(name)
                if self._observed.older(name, version(item)):
                    concerned |= self._observed.note(name, seen(item, kind.kind))
        for name in lost:
            concerned |= self._observed.forget(name, seen_until)
        return concerned
