"""Whether the operator is well: `/healthz` for who restarts it, `/readyz` for who waits for it.

Unwell is what a restart may cure: a loop that is held up, work that does not end, a cluster that
was not listed for long. An API server that is away for a while is none of these.
"""

import asyncio
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from rackwatt_operator.controller.workqueue import WorkQueue
from rackwatt_operator.metrics import (
    LOOP_LAG,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    QUEUE_RETRYING,
    REGISTRY,
)
from rackwatt_operator.reflector import Reflector

_BEAT_S = 0.5
_LONGEST_LAG_S = 5.0
_LONGEST_WORK_S = 600.0
_OLDEST_LISTS = 3


class Health:
    """Looks at the loop, the queue and the watching, and answers for them."""

    def __init__(self, queue: WorkQueue, watching: Reflector, resync_s: float) -> None:
        self._queue = queue
        self._watching = watching
        self._resync_s = resync_s
        self._lag_s = 0.0

    def application(self) -> web.Application:
        """Make the pages."""
        app = web.Application()
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def beat(self) -> None:
        """Measure how late the loop is, until cancelled."""
        while True:
            began_s = _now_s()
            await asyncio.sleep(_BEAT_S)
            self._lag_s = max(0.0, _now_s() - began_s - _BEAT_S)
            LOOP_LAG.set(self._lag_s)

    async def healthz(self, _: web.Request) -> web.Response:
        """Tell what a restart might cure."""
        return _told(list(self._ailments()))

    async def readyz(self, _: web.Request) -> web.Response:
        """Tell whether all was listed once, and by an identity that may."""
        listed = self._watching.listed.is_set()
        return _told([] if listed else [self._watching.problem])

    async def metrics(self, _: web.Request) -> web.Response:
        """Serve the operator's own metrics."""
        QUEUE_DEPTH.set(self._queue.depth)
        QUEUE_OLDEST.set(self._queue.oldest_s)
        QUEUE_RETRYING.set(self._queue.retrying)
        text = generate_latest(REGISTRY)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _ailments(self) -> Iterator[str]:
        if self._lag_s > _LONGEST_LAG_S:
            yield f"the event loop was held up for {self._lag_s:.0f} s"
        if self._queue.oldest_s > _LONGEST_WORK_S:
            yield f"the work on a document has not ended for {self._queue.oldest_s:.0f} s"
        listed_s = self._watching.listed_s
        if listed_s is not None and _now_s() - listed_s > _OLDEST_LISTS * self._resync_s:
            age_s = _now_s() - listed_s
            yield f"nothing could be listed for {age_s:.0f} s: {self._watching.problem or 'why?'}"


def _told(wrong: list[str]) -> web.Response:
    if wrong:
        return web.Response(status=503, text="\n".join(wrong) + "\n")
    return web.Response(text="ok\n")


def _now_s() -> float:
    return asyncio.get_running_loop().time()
