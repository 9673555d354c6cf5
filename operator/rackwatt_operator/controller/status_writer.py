"""What was found out of a document, told in its status: written when there is news, else not."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from rackwatt_operator.controller.child_status import ChildStatusReader
from rackwatt_operator.controller.collector_status_poller import CollectorStatusPoller
from rackwatt_operator.controller.events import EventRecorder
from rackwatt_operator.controller.plan_cache import CachedPlan
from rackwatt_operator.controller.workqueue import DONE, RetryError
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import CachedObject, seen
from rackwatt_operator.kube.client import Client, Manifest
from rackwatt_operator.kube.discovery import Capabilities
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import BY_NAME, ObjectKey
from rackwatt_operator.status.apply_error import Trouble
from rackwatt_operator.status.builder import status, urgent
from rackwatt_operator.status.inputs import StatusInputs
from rackwatt_operator.status.write_throttle import WriteThrottle

log = logging.getLogger(__name__)

_PODS_AGAIN_S = 15.0
_LABELS_AGAIN_S = 60.0


class StatusWriter:
    """Writes the statuses of documents; `changed` hears of whom else that has brought news."""

    def __init__(
        self,
        client: Client,
        observed: Cache,
        capabilities: Capabilities,
        collectors: CollectorStatusPoller,
        looking: ChildStatusReader,
        changed: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._client = client
        self._observed = observed
        self._capabilities = capabilities
        self._collectors = collectors
        self._looking = looking
        self._changed = changed
        self._announcer = EventRecorder(client)
        self._paces: dict[ObjectKey, WriteThrottle] = {}

    async def tell(
        self, key: ObjectKey, seen: CachedObject, planned: CachedPlan, troubles: Sequence[Trouble]
    ) -> float:
        """Write the status if it has news; tell after how many seconds to look again.

        `seen` is the document as it was planned for: what came meanwhile is not spoken of.

        Raises:
            RetryError: it could not be written.
        """
        found = await self._findings(key, seen.uid, planned, troubles)
        now = self._observed.objects.get(key)
        if now is None or now.uid != seen.uid or self._collectors.awaited(key):
            return DONE
        before = self._observed.status(key)
        after = status(found, before, seen.generation, datetime.now(UTC))
        if after == before:
            return _again_s(found)
        pace, news = self._paces.get(key, WriteThrottle()), urgent(before, after)
        if not news and (wait_s := pace.due_in_s(_now_s())):
            return wait_s
        await self._write(key, seen.uid, after)
        self._paces[key] = pace.wrote(_now_s(), news)
        await self._announcer.announce(key, seen.uid, before, after)
        return _again_s(found)

    def forget(self, key: ObjectKey) -> None:
        """Let go of what is remembered of a document that is no more."""
        self._paces.pop(key, None)
        self._collectors.forget(key)

    async def _findings(
        self, key: ObjectKey, uid: str, planned: CachedPlan, troubles: Sequence[Trouble]
    ) -> StatusInputs:
        return StatusInputs(
            document=planned.document,
            problems=planned.problems,
            missing=planned.missing,
            refused=planned.refused,
            kinds=frozenset(child.kind for child in planned.children),
            monitoring=self._capabilities.monitoring,
            troubles=[trouble for trouble in troubles if not trouble.passing],
            workloads=await self._looking.workloads(uid),
            selection=await self._looking.selection(uid),
            rules=await self._looking.rules(uid),
            told=self._collectors.told(key),
        )

    async def _write(self, key: ObjectKey, uid: str, told: Manifest) -> None:
        kind = BY_NAME[key.kind]
        manifest = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid},
            "status": told,
        }
        try:
            made = await self._client.apply(kind, manifest, "status")
        except ApiError as error:
            if error.status in (404, 409, 422) and key not in self._observed.objects:
                return  # it is gone
            if error.too_large:  # its author's own words leave no room for ours: an event says it
                log.warning("%s: it is so large that no status fits beside it: %s", key, error)
                return
            raise RetryError(f"its status: {error}", error.wait_s) from None
        # The answer is the whole document: whatever somebody changed of it meanwhile is known by it
        # alone, for the watch that tells of that later tells nothing new.
        self._changed(self._observed.note(key, seen(made, key.kind)))


def _again_s(found: StatusInputs) -> float:
    """Look again at what no event will tell of."""
    if any(one.uncreated for one in found.workloads):
        return _PODS_AGAIN_S
    if any(one is not None and one.wanting for one in (found.selection, found.rules)):
        return _LABELS_AGAIN_S  # the labels of a namespace
    return DONE


def _now_s() -> float:
    return asyncio.get_running_loop().time()
