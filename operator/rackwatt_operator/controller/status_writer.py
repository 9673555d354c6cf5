"""Writer of statuses: builds the status of a resource, and applies it if it changed."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from rackwatt_operator.controller.child_status import ChildStatusReader
from rackwatt_operator.controller.collector_status_poller import CollectorStatusPoller
from rackwatt_operator.controller.events import EventRecorder
from rackwatt_operator.controller.plan_cache import CachedPlan
from rackwatt_operator.controller.workqueue import Result, RetryError
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import CachedObject, parse_object
from rackwatt_operator.kube.client import Client, Manifest
from rackwatt_operator.kube.discovery import Capabilities
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import BY_NAME, ObjectKey
from rackwatt_operator.status.apply_error import ApplyError
from rackwatt_operator.status.builder import build_status, conditions_changed
from rackwatt_operator.status.inputs import StatusInputs
from rackwatt_operator.status.write_throttle import WriteThrottle

log = logging.getLogger(__name__)

_PODS_AGAIN_S = 15.0
_LABELS_AGAIN_S = 60.0


class StatusWriter:
    """Writes statuses; `changed` is called with the resources that a response affects."""

    def __init__(
        self,
        client: Client,
        cache: Cache,
        capabilities: Capabilities,
        collectors: CollectorStatusPoller,
        child_status: ChildStatusReader,
        changed: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._client = client
        self._cache = cache
        self._capabilities = capabilities
        self._collectors = collectors
        self._child_status = child_status
        self._changed = changed
        self._events = EventRecorder(client)
        self._throttles: dict[ObjectKey, WriteThrottle] = {}

    async def write(
        self,
        key: ObjectKey,
        planned_for: CachedObject,
        planned: CachedPlan,
        errors: Sequence[ApplyError],
    ) -> Result:
        """Write the status if it changed; return when to reconcile again.

        `planned_for` is the resource that was planned; later changes are left to the next
        reconciliation.

        Raises:
            RetryError: it could not be written.
        """
        inputs = await self._inputs(key, planned_for.uid, planned, errors)
        now = self._cache.objects.get(key)
        if now is None or now.uid != planned_for.uid or self._collectors.first_poll_pending(key):
            return Result()
        before = self._cache.status(key)
        after = build_status(inputs, before, planned_for.generation, datetime.now(UTC))
        if after == before:
            return _requeue(inputs)
        throttle = self._throttles.get(key, WriteThrottle())
        urgent = conditions_changed(before, after)
        if not urgent and (wait_s := throttle.due_in_s(_now_s())):
            return Result(requeue_after_s=wait_s)
        await self._write(key, planned_for.uid, after)
        self._throttles[key] = throttle.wrote(_now_s(), urgent)
        await self._events.record(key, planned_for.uid, before, after)
        return _requeue(inputs)

    def remove(self, key: ObjectKey) -> None:
        """Remove the state of a deleted resource."""
        self._throttles.pop(key, None)
        self._collectors.remove(key)

    async def _inputs(
        self, key: ObjectKey, uid: str, planned: CachedPlan, errors: Sequence[ApplyError]
    ) -> StatusInputs:
        return StatusInputs(
            document=planned.document,
            problems=planned.problems,
            missing=planned.missing,
            refused=planned.refused,
            kinds=frozenset(child.kind for child in planned.children),
            monitoring=self._capabilities.monitoring,
            apply_errors=[error for error in errors if not error.retriable],
            workloads=await self._child_status.workloads(uid),
            selection=await self._child_status.selection(uid),
            rules=await self._child_status.rules(uid),
            collectors=self._collectors.status(key),
        )

    async def _write(self, key: ObjectKey, uid: str, status: Manifest) -> None:
        kind = BY_NAME[key.kind]
        manifest = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid},
            "status": status,
        }
        try:
            applied = await self._client.apply(kind, manifest, "status")
        except ApiError as error:
            if error.status in (404, 409, 422) and key not in self._cache.objects:
                return  # it was deleted
            if error.too_large:  # etcd's limit leaves no room for a status
                log.warning("%s is too large to have a status: %s", key, error)
                return
            raise RetryError(f"its status: {error}", error.wait_s) from None
        # The response is the whole resource: a concurrent change of its spec is seen here first, as
        # the watch event of that change is dropped as an echo.
        self._changed(self._cache.update(key, parse_object(applied, key.kind)))


def _requeue(inputs: StatusInputs) -> Result:
    """Return when to check again what no watch event reports."""
    if any(one.uncreated for one in inputs.workloads):
        return Result(requeue_after_s=_PODS_AGAIN_S)
    if any(one is not None and one.wanting for one in (inputs.selection, inputs.rules)):
        return Result(requeue_after_s=_LABELS_AGAIN_S)  # the labels of a namespace
    return Result()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
