"""What Prometheus scrapes: the whole page, or one node's part. Neither asks a BMC anything."""

import time
from itertools import chain
from typing import NamedTuple

from aiohttp import web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.exposition.exporter import document_text, process_text
from rackwatt_exporter.metrics.text import OPENMETRICS, TEXT, wants_openmetrics
from rackwatt_exporter.web.compression import CompressedBody
from rackwatt_exporter.web.loop_lag import LoopLagMonitor

_FROM_SCRAPER = "X-Prometheus-Scrape-Timeout-Seconds"
"""The header by which Prometheus, its agents and those that scrape as it does are known."""
_LONGEST_NAME = 100
_BLOCK = 512  # lines: some 50 KB


class Scraper(NamedTuple):
    """Who scraped the whole page last, by its own name, and when."""

    name: str
    at_s: float


class MetricsHandler:
    """The pages for Prometheus, in the format and encoding it asks for."""

    def __init__(self, exporter: Exporter, clockwork: LoopLagMonitor) -> None:
        self._exporter = exporter
        self._clockwork = clockwork
        self._rendered: dict[bool, CompressedBody] = {}
        self.scraper: Scraper | None = None

    async def metrics(self, request: web.Request) -> web.Response:
        """Serve everything. Scrapes that come while one is compressed share what it was given."""
        if _FROM_SCRAPER in request.headers:
            name = request.headers.get("User-Agent", "")
            printable = "".join(letter for letter in name if letter.isprintable())
            self.scraper = Scraper(printable[:_LONGEST_NAME], time.monotonic())
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        page = self._rendered.get(openmetrics)
        if page is None:
            page = self._rendered[openmetrics] = CompressedBody(*self._blocks(openmetrics))
        try:
            return await page.response(request, _headers(openmetrics))
        finally:
            if self._rendered.get(openmetrics) is page:
                del self._rendered[openmetrics]

    async def probe(self, request: web.Request) -> web.Response:
        """Serve what is known of `?target=`, a node that the documents name; 404 for any other."""
        node = request.query.get("target")
        if not node:
            told = "say which node: /probe?target=NODE; /targets lists them\n"
            return web.Response(text=told, status=400)
        record = self._exporter.targets.fresh(node)
        if record is None:
            told = f"no document names a target {node!r:.200}: a probe takes the name of a node, "
            told += "never an address. /targets lists them\n"
            return web.Response(text=told, status=404)
        self._exporter.schedulers.withdraw_stale()
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        body = self._exporter.exposition.probe(record, openmetrics, time.monotonic())
        return await CompressedBody(body).response(request, _headers(openmetrics))

    def _blocks(self, openmetrics: bool) -> list[bytes]:
        """Join the page in blocks small enough to lie in memory that the last scrape has left."""
        exporter = self._exporter
        exporter.withdraw_stale()
        now_s = time.monotonic()
        others = (pipeline.families(now_s) for pipeline in exporter.registry)
        parts = exporter.exposition.parts(openmetrics, now_s, chain.from_iterable(others))
        lag_s = self._clockwork.lag_s
        documents = document_text(exporter.fleet, exporter.reloaded_at_s, lag_s, openmetrics)
        parts += (documents.encode(), process_text(openmetrics).encode())
        return [b"".join(parts[at : at + _BLOCK]) for at in range(0, len(parts), _BLOCK)]


def _headers(openmetrics: bool) -> dict[str, str]:
    form = OPENMETRICS if openmetrics else TEXT
    return {"Content-Type": form, "Vary": "Accept, Accept-Encoding"}
