"""One child brought about: made where there is none, mended where it drifted, else let be.

What is not ours is never touched. A child that was not seen is applied on the condition that there
is nothing of its name; one that was seen, on the condition that it still is that very object.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from rackwatt_operator.controller.semantic_equality import matches
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import AUTHORED, STAMP, CachedObject, seen
from rackwatt_operator.kube.client import Client, Manifest
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import BY_NAME, ObjectKey
from rackwatt_operator.metrics import APPLIES
from rackwatt_operator.status.apply_error import Trouble

log = logging.getLogger(__name__)

_IDENTITY = ("apiVersion", "kind", "metadata")
_NONE_THERE = {"resourceVersion": "1"}


@dataclass(frozen=True, slots=True)
class DesiredChild:
    """A child as it should be: whose, and how; the manifest is made only where it is needed."""

    child: ObjectKey
    uid: str
    stamp: str
    manifest: Callable[[], Manifest]


class Applier:
    """Applies manifests, and deletes what is no longer wanted."""

    def __init__(self, client: Client, observed: Cache) -> None:
        self._client = client
        self._observed = observed
        self._taken: set[ObjectKey] = set()

    async def apply(self, wanted: DesiredChild) -> Trouble | None:
        """Bring a child about; tell what keeps it from being."""
        try:
            trouble = await self._apply(wanted)
        except ApiError as error:
            trouble = _trouble(wanted.child, error)
        if trouble is not None:
            APPLIES.labels(wanted.child.kind, trouble.reason).inc()
        return trouble

    async def delete(self, child: ObjectKey) -> Trouble | None:
        """Delete a child that is no longer planned."""
        now = self._observed.objects.get(child)
        if now is None or now.terminating:
            return None
        try:
            await self._client.delete(_path(child), now.uid)
        except ApiError as error:
            if error.status not in (404, 409):  # it is gone, or another one has its name by now
                return _trouble(child, error)
        log.info("%s: deleted, it is no longer planned", child)
        APPLIES.labels(child.kind, "deleted").inc()
        return None

    async def _apply(self, wanted: DesiredChild) -> Trouble | None:
        now = self._observed.objects.get(wanted.child) or await self._make(wanted)
        if now is None:
            return None
        if trouble := _not_ours(wanted.child, now, wanted.uid):
            self._taken.add(wanted.child)
            return trouble
        self._taken.discard(wanted.child)
        if now.settled != wanted.stamp and not self._matches(wanted, now):
            return await self._mend(wanted, now)
        return None

    async def _mend(self, wanted: DesiredChild, now: CachedObject) -> Trouble | None:
        """Apply over what is there; delete it where what somebody did to it is in the way.

        An apply takes nothing of another's out of a list whose items have keys: where somebody gave
        a port of a Service another number, ours would stand beside theirs, of the same name.
        """
        try:
            await self._send(wanted, {"uid": now.uid})
        except ApiError as error:
            if not error.doubled or now.stamp != wanted.stamp:  # else this was accepted before
                raise
            log.info("%s: is made anew, since it cannot be mended: %s", wanted.child, error)
            await self._client.delete(_path(wanted.child), now.uid)
            return _terminating(wanted.child)
        return None

    async def _make(self, wanted: DesiredChild) -> CachedObject | None:
        """Make a child that was not seen; where there is one after all, tell what it is."""
        if wanted.child in self._taken and (theirs := await self._look(wanted.child)):
            return theirs  # to ask costs less than to be refused every time
        try:
            await self._send(wanted, _NONE_THERE)
        except ApiError as error:
            if error.status != 409:
                raise
        else:
            return None
        if theirs := await self._look(wanted.child):
            return theirs
        raise ApiError(409, "it came and went")

    async def _look(self, child: ObjectKey) -> CachedObject | None:
        """See what has the name; it is not noted, since no watch might tell when it goes."""
        try:
            found = await self._client.get(_path(child))
        except ApiError as error:
            if error.status != 404:
                raise
            return None
        return seen(found, child.kind)

    def _matches(self, wanted: DesiredChild, now: CachedObject) -> bool:
        """Compare what is there, after a restart or when somebody changed it."""
        if now.stamp != wanted.stamp or now.content is None:
            return False
        manifest = wanted.manifest()
        desired = {key: value for key, value in manifest.items() if key not in _IDENTITY}
        metadata = manifest["metadata"]
        desired["metadata"] = {key: metadata[key] for key in AUTHORED if key in metadata}
        if not matches(desired, msgspec.json.decode(now.content)):
            log.info("%s: has drifted", wanted.child)
            return False
        now.settle(wanted.stamp)
        return True

    async def _send(self, wanted: DesiredChild, held: Manifest) -> None:
        manifest = wanted.manifest()
        metadata = manifest["metadata"]
        annotations = {**metadata.get("annotations", {}), STAMP: wanted.stamp}
        told = manifest | {"metadata": metadata | held | {"annotations": annotations}}
        made = await self._client.apply(BY_NAME[wanted.child.kind], told)
        now = seen(made, wanted.child.kind)
        self._observed.note(wanted.child, now)
        known = self._observed.objects.get(wanted.child)
        if known is not None and known.version == now.version:  # what is newer will be compared
            known.settle(wanted.stamp)
        APPLIES.labels(wanted.child.kind, "applied").inc()


def _path(child: ObjectKey) -> str:
    return BY_NAME[child.kind].path(child.namespace, child.name)


def _terminating(child: ObjectKey) -> Trouble:
    told = f"{child} is being deleted, and made anew when it is gone"
    return Trouble(child, "Terminating", told, passing=True)


def _not_ours(child: ObjectKey, now: CachedObject, uid: str) -> Trouble | None:
    if now.owner is not None and now.owner.uid == uid:
        return _terminating(child) if now.terminating else None
    if now.owner is not None and now.owner.ours:
        told = f"{child} is of a former document of this name, and on its way out"
        return Trouble(child, "Terminating", told, passing=True)
    whose = f"belongs to {now.owner.kind} {now.owner.name}" if now.owner else "is not ours"
    told = (
        f"{child.kind} {child.name} is there already and {whose}: it was left as it is. "
        "Delete it, or give this document another name"
    )
    return Trouble(child, "NameConflict", told)


def _trouble(child: ObjectKey, error: ApiError) -> Trouble:
    told = f"{child.kind} {child.name}: {error}"
    if error.passing:
        reason = f"{error.terminating}Terminating" if error.terminating else "ApiUnavailable"
        return Trouble(child, reason, told, passing=True, wait_s=error.wait_s)
    if error.forbidden:
        verb, resource = error.forbidden
        told = (
            f"the operator may not {verb} {resource}, so {child.kind} {child.name} is not as it "
            "should be: grant it that right (the chart's role has it)"
        )
        return Trouble(child, "Forbidden", told)
    return Trouble(child, "ApplyRejected", told)
