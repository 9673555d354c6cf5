"""Node page: the machine that the exporter runs on, its jobs, and what measures them.

It polls like the fleet page. Viewers within an interval get the same bytes, so that any number of
them costs a node the same.
"""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.web.compression import CompressedBody
from rackwatt_exporter.web.node_data import node_data, node_hour
from rackwatt_exporter.web.static_file import NO_STORE, StaticFiles

INTERVAL_S = 2.0
_FOLDER = Path(__file__).parent / "node"


class OwnNodePage:
    """The page at `/node`, and the routes below it."""

    def __init__(
        self,
        exporter: Exporter,
        telemetry_path: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exporter = exporter
        self._telemetry_path = telemetry_path
        self._clock = clock
        self._files = StaticFiles(_FOLDER)
        self._body = CompressedBody(b"")
        self._made_at_s = -INTERVAL_S

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/node", self._files.page)
        app.router.add_get("/node/data", self.data)
        app.router.add_get("/node/{name}", self._files.file)

    async def data(self, request: web.Request) -> web.Response:
        """Serve what is known of the node, and its last hour."""
        now_s = self._clock()
        if now_s - self._made_at_s >= INTERVAL_S:
            known = node_data(self._exporter) | {
                "hour": node_hour(self._exporter),
                "telemetry_path": self._telemetry_path,
            }
            self._body, self._made_at_s = CompressedBody(msgspec.json.encode(known)), now_s
        headers = {**NO_STORE, "Content-Type": "application/json"}
        return await self._body.response(request, headers)
