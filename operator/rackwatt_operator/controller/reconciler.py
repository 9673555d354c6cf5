"""Reconciler of one resource: plan, apply, prune, write the status.

It is level-triggered: it receives a key, not an event, so lost events do not matter. A resource in
sync costs no request to the API server.
"""

import functools
import logging
from collections.abc import Sequence
from functools import partial

from rackwatt_operator.controller.api_grant import ApiGrant
from rackwatt_operator.controller.apply import Applier, DesiredChild
from rackwatt_operator.controller.plan_cache import CachedPlan, PlanCache
from rackwatt_operator.controller.status_writer import StatusWriter
from rackwatt_operator.controller.workqueue import Result, RetryError
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.client import Manifest
from rackwatt_operator.kube.resources import BY_NAME, CHILDREN, ObjectKey
from rackwatt_operator.status.apply_error import ApplyError

log = logging.getLogger(__name__)


class Reconciler:
    """Brings the cluster to the desired state of PowerTargets and SchedulerBindings."""

    def __init__(
        self,
        cache: Cache,
        plans: PlanCache,
        applier: Applier,
        grant: ApiGrant,
        status_writer: StatusWriter,
    ) -> None:
        self._cache = cache
        self._plans = plans
        self._applier = applier
        self._grant = grant
        self._status_writer = status_writer

    async def reconcile(self, key: ObjectKey, busy: bool) -> Result:
        """Create, update and delete the children of a resource, and write its status.

        While other keys wait (`busy`), the status is left for later: children come first.

        Raises:
            RetryError: a child is not as desired.
        """
        now = self._cache.objects.get(key)
        if now is None or now.terminating:  # garbage collection deletes its children
            self._cache.claim(key, ())
            self._plans.remove(key)
            self._status_writer.remove(key)
            await self._grant.sync(key)
            return Result()
        planned, manifests = self._plans.get(key)
        errors = await self._apply(key, now.uid, planned, manifests)
        if error := await self._grant.sync(key):
            errors.append(error)
        if busy and not errors:
            return Result(low_priority=True)
        if any(error.namespace_terminating for error in errors):
            _raise_retry(errors)
        result = await self._status_writer.write(key, now, planned, errors)
        _raise_retry(errors)
        return result

    async def _apply(
        self, key: ObjectKey, uid: str, planned: CachedPlan, manifests: dict[ObjectKey, Manifest]
    ) -> list[ApplyError]:
        """Apply and prune; an invalid spec leaves all children unchanged."""
        document = planned.document
        if document is None or document.spec.paused or planned.refused:
            return []
        self._cache.claim(key, planned.children)

        @functools.cache
        def built() -> dict[ObjectKey, Manifest]:
            return manifests or self._plans.manifests(planned)

        def manifest(child: ObjectKey) -> Manifest:
            return built()[child]

        errors = []
        for child, applied_hash in planned.children.items():
            wanted = DesiredChild(child, uid, applied_hash, partial(manifest, child))
            if error := await self._applier.apply(wanted):
                errors.append(error)
                if error.namespace_terminating:
                    return errors
        return errors + await self._prune(uid, planned)

    async def _prune(self, uid: str, planned: CachedPlan) -> list[ApplyError]:
        errors = [
            await self._applier.delete(child)
            for child in sorted(self._cache.owned(uid) - planned.children.keys())
            if BY_NAME[child.kind] in CHILDREN
        ]
        return [error for error in errors if error is not None]


def _raise_retry(errors: Sequence[ApplyError]) -> None:
    """Raise if there are errors, so that the queue retries."""
    if not errors:
        return
    message = "; ".join(f"{error.reason}: {error.message}" for error in errors[:3])
    raise RetryError(message, max(error.wait_s for error in errors))
