"""Watched, then listed: what happens in the cluster reaches the queue, whatever becomes of a watch.

In this order, so that nothing falls between the two. A watch that ends begins anew, and everything
is listed again; a list of everything comes now and then besides. So it does when kinds or rights
come or go, and when one of the watches does not come about.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress

from rackwatt_operator.controller.workqueue import WorkQueue
from rackwatt_operator.informer import Informer
from rackwatt_operator.kube.discovery import Capabilities, UnfitClusterError
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.relist import Relister
from rackwatt_operator.metrics import READY, WATCH_RESTARTS

log = logging.getLogger(__name__)

LOOK_S = 5.0
_PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
_CALM_S = 60.0
_BEGIN_S = 60.0
_RETRY_S = 2.0
_PAUSE_S = 1.0


class Reflector:
    """Keeps what is observed true; `listed_s` is when all was last listed, by the loop's clock."""

    def __init__(
        self,
        capabilities: Capabilities,
        listing: Relister,
        informer: Informer,
        queue: WorkQueue,
        resync_s: float,
        changed: Callable[[], None],
    ) -> None:
        self._capabilities = capabilities
        self._changed = changed
        self._listing = listing
        self._informer = informer
        self._queue = queue
        self._resync_s = resync_s
        self.listed = asyncio.Event()
        self.listed_s: float | None = None
        self.problem = "nothing was listed yet"

    async def run(self) -> None:
        """Watch until cancelled."""
        failures = 0
        while True:
            began_s = _now_s()
            try:
                await self._capabilities.refresh()
                await self._watch()
            except (ApiError, UnfitClusterError) as error:
                self._fail(str(error))
            failures = 0 if _now_s() - began_s > _CALM_S else failures + 1
            WATCH_RESTARTS.inc()
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    async def _watch(self) -> None:
        """Watch and list until watching ends by itself, or kinds come or go."""
        watching = asyncio.create_task(self._informer.run(self._capabilities.watched))
        tasks = (watching, asyncio.create_task(self._look()), asyncio.create_task(self._list()))
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
        """List everything whenever watches have begun, and now and then besides.

        All documents are looked at then: kinds may have come or gone, and with them what documents
        come to. It ends where watching has to begin anew: what can be listed is not watched, as by
        one that looked for its kinds just before discovery had them all, or others may be.
        """
        patience_s, begun = _BEGIN_S, False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    begun = await self._informer.watching.wait()
            self._informer.watching.clear()
            try:
                self._queue.add(await self._listing.refresh(self._capabilities.watched))
            except ApiError as error:
                self._fail(f"not everything could be listed: {error}")
                patience_s = _RETRY_S
                if error.status in (403, 404) and await self._others():
                    return
            else:
                self._queue.add(self._listing.documents())
                self._succeed()
                if not begun:
                    log.warning("all was listed, and not all is watched: watching begins anew")
                    return
                patience_s = self._resync_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
                await asyncio.sleep(_PAUSE_S)

    async def _others(self) -> bool:
        """Look again what can be watched, and tell whether that is something else than before.

        Where that cannot be told, or documents cannot be watched, as in one namespace of several,
        what is watched yet goes on.
        """
        before = self._capabilities.watched
        with suppress(ApiError, UnfitClusterError):
            await self._capabilities.refresh()
        return self._capabilities.watched != before

    async def _look(self) -> None:
        """End when kinds or rights have come: watching begins anew with what there is."""
        while True:
            await asyncio.sleep(LOOK_S)
            with suppress(ApiError):
                if await self._capabilities.monitored() != self._capabilities.monitoring:
                    log.info("kinds of Prometheus Operator have come or gone")
                    return
                if granted := await self._capabilities.granted():
                    log.info("the operator may list and watch %s by now", granted)
                    return

    def _succeed(self) -> None:
        self.problem, self.listed_s = "", _now_s()
        READY.set(1)
        self.listed.set()
        self._changed()

    def _fail(self, told: str) -> None:
        if told != self.problem:
            log.warning("%s", told)
        self.problem = told


def _now_s() -> float:
    return asyncio.get_running_loop().time()
