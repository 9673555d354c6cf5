"""Apply and delete the children of a resource: create, update or recreate; never adopt.

An object of another owner is never touched; what is kept beyond its owner has none, and is known by
the annotation of an earlier apply. A child that is not in the cache is applied on the
condition that no object has its name; one that is cached, on the condition of the same uid.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from rackwatt_operator.controller.semantic_equality import contains
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import APPLIED_HASH, AUTHORED, CachedObject, parse_object
from rackwatt_operator.kube.client import Client, Manifest
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import BY_NAME, KEPT, ObjectKey
from rackwatt_operator.metrics import APPLIES
from rackwatt_operator.status.apply_error import ApplyError

log = logging.getLogger(__name__)

_IDENTITY = ("apiVersion", "kind", "metadata")
_MUST_NOT_EXIST = {"resourceVersion": "1"}


@dataclass(frozen=True, slots=True)
class DesiredChild:
    """A child as it should be: its owner's uid and the hash; the manifest is built on demand."""

    child: ObjectKey
    uid: str
    hash: str
    manifest: Callable[[], Manifest]


class Applier:
    """Applies manifests, and deletes what is no longer wanted."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self._client = client
        self._cache = cache
        self._conflicts: set[ObjectKey] = set()

    async def apply(self, wanted: DesiredChild) -> ApplyError | None:
        """Create or update a child; return the error if that fails."""
        try:
            error = await self._apply(wanted)
        except ApiError as cause:
            error = _apply_error(wanted.child, cause)
        if error is not None:
            APPLIES.labels(wanted.child.kind, error.reason).inc()
        return error

    async def delete(self, child: ObjectKey) -> ApplyError | None:
        """Delete a child that is no longer planned; return the error if that fails."""
        now = self._cache.objects.get(child)
        if now is None or now.terminating:
            return None
        try:
            await self._client.delete(_path(child), now.uid)
        except ApiError as error:
            if error.status not in (404, 409):  # it is deleted, or replaced by another object
                return _apply_error(child, error)
        log.info("deleted child %s: it is no longer planned", child)
        APPLIES.labels(child.kind, "deleted").inc()
        return None

    async def _apply(self, wanted: DesiredChild) -> ApplyError | None:
        now = self._cache.objects.get(wanted.child) or await self._create(wanted)
        if now is None:
            return None
        if error := _foreign(wanted.child, now, wanted.uid):
            self._conflicts.add(wanted.child)
            return error
        self._conflicts.discard(wanted.child)
        if now.in_sync_hash != wanted.hash and not self._matches(wanted, now):
            return await self._update_or_recreate(wanted, now)
        return None

    async def _update_or_recreate(
        self, wanted: DesiredChild, now: CachedObject
    ) -> ApplyError | None:
        """Apply over the existing child; delete it if a foreign change prevents that.

        An apply removes no items of another field manager from a keyed list: where another client
        changed the number of a Service's port, the list would contain two ports of one name.
        """
        try:
            await self._send_apply(wanted, {"uid": now.uid})
        except ApiError as error:
            if (
                not error.is_duplicate_key or now.applied_hash != wanted.hash
            ):  # else it was accepted before
                raise
            log.info("recreating child %s: it cannot be updated in place: %s", wanted.child, error)
            await self._client.delete(_path(wanted.child), now.uid)
            return _terminating(wanted.child)
        return None

    async def _create(self, wanted: DesiredChild) -> CachedObject | None:
        """Create a child that is not cached; return the existing object if there is one."""
        if wanted.child in self._conflicts and (theirs := await self._get(wanted.child)):
            return theirs  # a get costs less than a rejected apply
        try:
            await self._send_apply(wanted, _MUST_NOT_EXIST)
        except ApiError as error:
            if error.status != 409:
                raise
        else:
            return None
        if theirs := await self._get(wanted.child):
            return theirs
        raise ApiError(409, "object was created and deleted concurrently")

    async def _get(self, child: ObjectKey) -> CachedObject | None:
        """Get the object of that name; it is not cached, since no watch may report its deletion."""
        try:
            found = await self._client.get(_path(child))
        except ApiError as error:
            if error.status != 404:
                raise
            return None
        return parse_object(found, child.kind)

    def _matches(self, wanted: DesiredChild, now: CachedObject) -> bool:
        """Compare the cached content, after a restart or a foreign change."""
        if now.applied_hash != wanted.hash or now.content is None:
            return False
        manifest = wanted.manifest()
        desired = {key: value for key, value in manifest.items() if key not in _IDENTITY}
        metadata = manifest["metadata"]
        desired["metadata"] = {key: metadata[key] for key in AUTHORED if key in metadata}
        if not contains(desired, msgspec.json.decode(now.content)):
            log.info("child %s has drifted", wanted.child)
            return False
        now.mark_in_sync(wanted.hash)
        return True

    async def _send_apply(self, wanted: DesiredChild, precondition: Manifest) -> None:
        manifest = wanted.manifest()
        metadata = manifest["metadata"]
        annotations = {**metadata.get("annotations", {}), APPLIED_HASH: wanted.hash}
        metadata = metadata | precondition | {"annotations": annotations}
        resource = BY_NAME[wanted.child.kind]
        applied = await self._client.apply(resource, manifest | {"metadata": metadata})
        now = parse_object(applied, wanted.child.kind)
        self._cache.update(wanted.child, now)
        known = self._cache.objects.get(wanted.child)
        if known and known.resource_version == now.resource_version:  # else it is compared later
            known.mark_in_sync(wanted.hash)
        APPLIES.labels(wanted.child.kind, "applied").inc()


def _path(child: ObjectKey) -> str:
    return BY_NAME[child.kind].path(child.namespace, child.name)


def _terminating(child: ObjectKey) -> ApplyError:
    message = f"{child} is being deleted; it is recreated afterwards"
    return ApplyError(child, "Terminating", message, retriable=True)


def _foreign(child: ObjectKey, now: CachedObject, uid: str) -> ApplyError | None:
    is_kept = BY_NAME[child.kind] in KEPT and now.owner is None and bool(now.applied_hash)
    if is_kept or (now.owner is not None and now.owner.uid == uid):
        return _terminating(child) if now.terminating else None
    if now.owner is not None and now.owner.ours:
        message = f"{child} belongs to a deleted resource of this name and is being deleted"
        return ApplyError(child, "Terminating", message, retriable=True)
    whose = f"belongs to {now.owner.kind} {now.owner.name}" if now.owner else "has another owner"
    message = (
        f"{child.kind} {child.name} already exists and {whose}: it was left unchanged. "
        "Delete it, or give this resource another name"
    )
    return ApplyError(child, "NameConflict", message)


def _apply_error(child: ObjectKey, error: ApiError) -> ApplyError:
    message = f"{child.kind} {child.name}: {error}"
    if error.is_retriable:
        reason = f"{error.terminating}Terminating" if error.terminating else "ApiUnavailable"
        return ApplyError(child, reason, message, retriable=True, wait_s=error.wait_s)
    if error.forbidden:
        verb, resource = error.forbidden
        message = (
            f"the operator may not {verb} {resource}, so {child.kind} {child.name} is not as "
            "desired: grant it that right (the chart's role has it)"
        )
        return ApplyError(child, "Forbidden", message)
    return ApplyError(child, "ApplyRejected", message)
