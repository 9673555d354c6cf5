"""Reflector: keeps the cache in sync by watching, then listing, all kinds.

Watches start before the list, so that no change falls between the two. When a watch ends, all are
restarted and everything is listed again; a full list follows at every resync. The same happens when
kinds or rights are added or removed, and when one of the watches does not start.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress

from rackwatt_operator.controller.workqueue import WorkQueue
from rackwatt_operator.informer import Informer
from rackwatt_operator.kube.discovery import Capabilities, ClusterNotReadyError
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.relist import Relister
from rackwatt_operator.metrics import READY, WATCH_RESTARTS

log = logging.getLogger(__name__)

LOOK_S = 5.0
_PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
_CALM_S = 60.0
_WATCH_START_S = 60.0
_RETRY_S = 2.0
_PAUSE_S = 1.0


class Reflector:
    """Keeps the cache in sync; `listed_s` is the loop's time of the last complete list."""

    def __init__(
        self,
        capabilities: Capabilities,
        relister: Relister,
        informer: Informer,
        queue: WorkQueue,
        resync_s: float,
        changed: Callable[[], None],
    ) -> None:
        self._capabilities = capabilities
        self._changed = changed
        self._relister = relister
        self._informer = informer
        self._queue = queue
        self._resync_s = resync_s
        self.listed = asyncio.Event()
        self.listed_s: float | None = None
        self.problem = "the watched resources were not listed yet"

    async def run(self) -> None:
        """Watch until cancelled."""
        failures = 0
        while True:
            start_s = _now_s()
            try:
                await self._capabilities.refresh()
                await self._watch()
            except (ApiError, ClusterNotReadyError) as error:
                self._fail(str(error))
            failures = 0 if _now_s() - start_s > _CALM_S else failures + 1
            WATCH_RESTARTS.inc()
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    async def _watch(self) -> None:
        """Watch and list until a watch ends, or kinds or rights change."""
        watching = asyncio.create_task(self._informer.run(self._capabilities.watched))
        tasks = (
            watching,
            asyncio.create_task(self._watch_capabilities()),
            asyncio.create_task(self._list()),
        )
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            if isinstance(outcome, str):
                self._fail(f"watching ended: {outcome}")

    async def _list(self) -> None:
        """List everything whenever watches have started, and at every resync.

        All resources are queued then: kinds may have been added or removed, and with them parts of
        the plans. It returns when watches have to be restarted: a kind is listed and not watched,
        as after an incomplete discovery, or other kinds can be watched now.
        """
        timeout_s, watching = _WATCH_START_S, False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    watching = await self._informer.watching.wait()
            self._informer.watching.clear()
            try:
                self._queue.add(await self._relister.refresh(self._capabilities.watched))
            except ApiError as error:
                self._fail(f"cannot list all kinds: {error}")
                timeout_s = _RETRY_S
                if error.status in (403, 404) and await self._watchable_changed():
                    return
            else:
                self._queue.add(self._relister.documents())
                self._succeed()
                if not watching:
                    log.warning("listed all kinds, but some are not watched: restarting watches")
                    return
                timeout_s = self._resync_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
                await asyncio.sleep(_PAUSE_S)

    async def _watchable_changed(self) -> bool:
        """Return whether other kinds can be watched than before.

        If that cannot be determined, or the CRDs cannot be watched, as in one namespace of several,
        the present watches go on.
        """
        before = self._capabilities.watched
        with suppress(ApiError, ClusterNotReadyError):
            await self._capabilities.refresh()
        return self._capabilities.watched != before

    async def _watch_capabilities(self) -> None:
        """Return when kinds or rights were added, so that watches are restarted."""
        while True:
            await asyncio.sleep(LOOK_S)
            with suppress(ApiError):
                if await self._capabilities.monitoring_kinds() != self._capabilities.monitoring:
                    log.info("kinds of Prometheus Operator were added or removed")
                    return
                if granted := await self._capabilities.granted():
                    log.info("the operator may list and watch %s now", granted)
                    return

    def _succeed(self) -> None:
        self.problem, self.listed_s = "", _now_s()
        READY.set(1)
        self.listed.set()
        self._changed()

    def _fail(self, message: str) -> None:
        if message != self.problem:
            log.warning("%s", message)
        self.problem = message


def _now_s() -> float:
    return asyncio.get_running_loop().time()
