"""The HTTP application. It serves what is known and asks nobody: scrapes cost a BMC nothing."""

import asyncio
import time
import zlib

from aiohttp import web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.page.exposition import OPENMETRICS, TEXT, wants_openmetrics
from rackwatt_exporter.page.process import document_text, process_text
from rackwatt_exporter.web.clockwork import Clockwork
from rackwatt_exporter.web.fleet_page import FleetPage
from rackwatt_exporter.web.index import index
from rackwatt_exporter.web.status import MOST_FAILING, status, target_status

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_COMPRESS_FROM = 1024
_GZIP = 31  # zlib's window size and the bit for a gzip header
_PATIENCE_S = 60.0


class Site:
    """Every page there is, over one exporter."""

    def __init__(self, exporter: Exporter, clockwork: Clockwork, telemetry_path: str) -> None:
        self._exporter = exporter
        self._clockwork = clockwork
        self._telemetry_path = telemetry_path
        self._started_s = time.monotonic()

    def application(self) -> web.Application:
        """Make the application."""
        app = web.Application(client_max_size=64 * 1024)
        app.router.add_get(self._telemetry_path, self.metrics)
        app.router.add_get("/status", self.status)
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/plain", self.index)
        if self._telemetry_path != "/":
            FleetPage(self._exporter, self._telemetry_path).add_to(app)
        app.on_response_prepare.append(_add_headers)
        return app

    async def metrics(self, request: web.Request) -> web.Response:
        """Serve the page for Prometheus, in the format and encoding it asks for."""
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        body = self._text(openmetrics).encode()
        headers = {"Content-Type": OPENMETRICS if openmetrics else TEXT, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("Accept-Encoding", "") and len(body) > _COMPRESS_FROM:
            body = await asyncio.to_thread(zlib.compress, body, 1, _GZIP)
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

    async def status(self, request: web.Request) -> web.Response:
        """Serve what is known as JSON, bounded; `?node=` tells all of one target."""
        node = request.query.get("node")
        if node is not None:
            record = self._exporter.store.records.get(node)
            if record is None:
                return web.json_response({"error": f"no target is named {node!r}"}, status=404)
            return web.json_response(target_status(record, time.monotonic()))
        most = _number(request.query.get("failing"), 10, MOST_FAILING)
        uptime_s = time.monotonic() - self._started_s
        return web.json_response(status(self._exporter, uptime_s, most))

    async def index(self, request: web.Request) -> web.Response:
        """Serve the list for people without a script."""
        page = _number(request.query.get("page"), 1, 10_000)
        text = index(self._exporter, time.monotonic(), page, self._telemetry_path)
        return web.Response(text=text, content_type="text/html")

    async def healthz(self, _: web.Request) -> web.Response:
        """Tell that the process turns."""
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.Response:
        """Tell whether every target has been asked once, or has had its time to be."""
        records = self._exporter.store.records.values()
        if not records:
            return web.Response(text="no targets: the documents name none\n", status=503)
        waiting = sum(record.took_s is None for record in records)
        if waiting and time.monotonic() - self._started_s < _PATIENCE_S:
            told = f"{waiting} of {len(records)} targets not asked yet\n"
            return web.Response(text=told, status=503)
        return web.Response(text="ready\n")

    def _text(self, openmetrics: bool) -> str:
        exporter = self._exporter
        exporter.store.withdraw_stale()
        exporter.roster.withdraw_stale()
        return (
            exporter.page.text(openmetrics, time.monotonic())
            + document_text(
                exporter.fleet, exporter.reloaded_at_s, self._clockwork.lag_s, openmetrics
            )
            + process_text(openmetrics)
        )


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def _number(text: str | None, otherwise: int, most: int) -> int:
    return min(int(text), most) if text and text.isascii() and text.isdigit() else otherwise
