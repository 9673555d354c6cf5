"""Liveness (`/healthz`) and readiness (`/readyz`) endpoints, and `/metrics`.

Liveness fails where a restart may help: a blocked event loop, a reconciliation that does not end,
watched resources that were not listed for long. An unreachable API server is none of these.
"""

import asyncio
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from rackwatt_crds.cli.loop_lag import LoopLagMonitor
from rackwatt_operator.controller.workqueue import WorkQueue
from rackwatt_operator.metrics import (
    LOOP_LAG,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    QUEUE_RETRYING,
    REGISTRY,
)
from rackwatt_operator.reflector import Reflector

_LONGEST_LAG_S = 5.0
_LONGEST_WORK_S = 600.0
_OLDEST_LISTS = 3


class Health:
    """Checks the event loop, the queue and the reflector."""

    def __init__(self, queue: WorkQueue, reflector: Reflector, resync_s: float) -> None:
        self._queue = queue
        self._reflector = reflector
        self._resync_s = resync_s
        self.loop_lag = LoopLagMonitor()

    def application(self) -> web.Application:
        """Build the application."""
        app = web.Application()
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def healthz(self, _: web.Request) -> web.Response:
        """Return problems that a restart may solve."""
        return _response(list(self._problems()))

    async def readyz(self, _: web.Request) -> web.Response:
        """Return whether all watched resources were listed once."""
        listed = self._reflector.listed.is_set()
        return _response([] if listed else [self._reflector.problem])

    async def metrics(self, _: web.Request) -> web.Response:
        """Serve the operator's own metrics."""
        QUEUE_DEPTH.set(self._queue.depth)
        QUEUE_OLDEST.set(self._queue.oldest_s)
        QUEUE_RETRYING.set(self._queue.retrying)
        LOOP_LAG.set(self.loop_lag.lag_s)
        text = generate_latest(REGISTRY)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _problems(self) -> Iterator[str]:
        if self.loop_lag.lag_s > _LONGEST_LAG_S:
            yield f"the event loop was blocked for {self.loop_lag.lag_s:.0f} s"
        if self._queue.oldest_s > _LONGEST_WORK_S:
            yield f"a reconciliation has not ended for {self._queue.oldest_s:.0f} s"
        listed_s = self._reflector.listed_s
        if listed_s is not None and _now_s() - listed_s > _OLDEST_LISTS * self._resync_s:
            age_s = _now_s() - listed_s
            yield f"resources could not be listed for {age_s:.0f} s: {self._reflector.problem}"


def _response(problems: list[str]) -> web.Response:
    if problems:
        return web.Response(status=503, text="\n".join(problems) + "\n")
    return web.Response(text="ok\n")


def _now_s() -> float:
    return asyncio.get_running_loop().time()
