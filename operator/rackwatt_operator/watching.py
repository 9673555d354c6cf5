"""Listed, then watched: what happens in the cluster reaches the queue, whatever becomes of a watch.

kopf watches. It ends when a kind vanishes under it, or on an answer that it does not know; then
everything is listed anew and it is started again. A list of everything comes now and then besides.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import kopf

from rackwatt_operator.cluster.capabilities import Capabilities, MissingRightError
from rackwatt_operator.cluster.failure import ApiError
from rackwatt_operator.cluster.kinds import Kind, Ref
from rackwatt_operator.cluster.listing import Listing
from rackwatt_operator.reconcile.queue import Queue
from rackwatt_operator.settings import settings
from rackwatt_operator.telemetry import READY, WATCH_RESTARTS

log = logging.getLogger(__name__)

LOOK_S = 5.0
_PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
_CALM_S = 60.0

Registry = Callable[[Sequence[Kind]], kopf.OperatorRegistry]


class Watching:
    """Keeps what is observed true; `listed_s` is when all was last listed, by the loop's clock."""

    def __init__(
        self,
        capabilities: Capabilities,
        listing: Listing,
        queue: Queue,
        registry: Registry,
        namespaces: Sequence[str],
        resync_s: float,
    ) -> None:
        self._capabilities = capabilities
        self._listing = listing
        self._queue = queue
        self._registry = registry
        self._namespaces = namespaces
        self._resync_s = resync_s
        self.listed = asyncio.Event()
        self.listed_s: float | None = None
        self.problem = "nothing was listed yet"

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Watch until told to stop; `started` is called whenever kopf has begun."""
        failures = 0
        while not stop.is_set():
            began_s = _now_s()
            try:
                await self._list()
                await self._watch(stop, started)
            except (ApiError, MissingRightError) as error:
                self._fail(str(error))
            failures = 0 if _now_s() - began_s > _CALM_S else failures + 1
            if not stop.is_set():
                WATCH_RESTARTS.inc()
                await _either(stop, _PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    async def _list(self) -> None:
        await self._capabilities.refresh()
        await self._refresh()
        self.problem = ""
        READY.set(1)
        self.listed.set()

    async def _refresh(self) -> None:
        concerned: set[Ref] = await self._listing.refresh(self._capabilities.watched)
        self._queue.add(concerned)
        self.listed_s = _now_s()

    async def _watch(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        """Run kopf until it ends by itself, or is to."""
        ended = asyncio.Event()
        tasks = await kopf.spawn_tasks(
            registry=self._registry(self._capabilities.watched),
            settings=settings(),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=ended,
        )
        started()
        helpers = [
            asyncio.create_task(work)
            for work in (self._resync(), self._look(ended), _pass_on(stop, ended))
        ]
        try:
            await _run(tasks)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _resync(self) -> None:
        """List everything and look at every document, every now and then."""
        while True:
            await asyncio.sleep(self._resync_s * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
            try:
                await self._refresh()
                self._queue.add(self._listing.documents())
            except ApiError as error:
                log.warning("not everything could be listed: %s", error)

    async def _look(self, ended: asyncio.Event) -> None:
        """End watching when kinds have come or gone: it begins anew with those there are."""
        while True:
            await asyncio.sleep(LOOK_S)
            with suppress(ApiError):
                if await self._capabilities.served() != self._capabilities.monitoring:
                    log.info("kinds of Prometheus Operator have come or gone")
                    ended.set()
                    return

    def _fail(self, told: str) -> None:
        if told != self.problem:
            log.warning("%s", told)
        self.problem = told


async def _run(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait for the first of kopf's tasks to end, and end the others; tell why it did.

    `kopf.run_tasks` would also cancel every task of ours that is younger than these.
    """
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            log.warning("watching ended: %s", str(outcome) or type(outcome).__name__)


async def _pass_on(stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    ended.set()


async def _either(stop: asyncio.Event, timeout_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await stop.wait()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
