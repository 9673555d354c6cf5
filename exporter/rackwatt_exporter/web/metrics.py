"""Handlers of scrapes: the whole page, or one node's part. Neither requests anything of a BMC."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import NamedTuple

from aiohttp import web

from rackwatt_crds.cli.loop_lag import LoopLagMonitor
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.exposition.exporter import document_text, process_text
from rackwatt_exporter.metrics.text import OPENMETRICS, TEXT, wants_openmetrics
from rackwatt_exporter.web.compression import CompressedBody, wants_gzip

_SCRAPE_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
"""A header of every scrape by Prometheus, its agents and compatible scrapers."""
_MAX_NAME_LENGTH = 100
_BLOCK_BYTES = 32 * 1024
_MANY_TARGETS = 50  # what takes less than 0.2 ms to render is not worth another thread


class Scraper(NamedTuple):
    """The last scraper of all metrics: its User-Agent, and when."""

    name: str
    at_s: float


class MetricsHandler:
    """Handler of scrapes, in the requested format and encoding."""

    def __init__(self, exporter: Exporter, lag_monitor: LoopLagMonitor) -> None:
        self._exporter = exporter
        self._lag_monitor = lag_monitor
        self._pages: dict[bool, asyncio.Task[CompressedBody]] = {}
        self.scraper: Scraper | None = None

    async def metrics(self, request: web.Request) -> web.Response:
        """Serve all metrics. Scrapes share a page while it is rendered or compressed."""
        if _SCRAPE_HEADER in request.headers:
            name = request.headers.get("User-Agent", "")
            printable = "".join(letter for letter in name if letter.isprintable())
            self.scraper = Scraper(printable[:_MAX_NAME_LENGTH], time.monotonic())
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        page = self._pages.get(openmetrics)
        if page is None:
            gzip = wants_gzip(request.headers.get("Accept-Encoding", ""))
            page = self._pages[openmetrics] = asyncio.create_task(self._page(openmetrics, gzip))
        try:
            body = await asyncio.shield(page)
            return await body.response(request, _headers(openmetrics))
        finally:
            if self._pages.get(openmetrics) is page:
                del self._pages[openmetrics]

    async def probe(self, request: web.Request) -> web.Response:
        """Serve the metrics of `?target=`, a configured node; 404 for any other."""
        node = request.query.get("target")
        if not node:
            message = "no target given: request /probe?target=NODE; /targets lists them\n"
            return web.Response(text=message, status=400)
        record = self._exporter.targets.fresh(node)
        if record is None:
            message = f"unknown target {node!r:.200}: a probe takes the name of a configured node, "
            message += "not an address; /targets lists them\n"
            return web.Response(text=message, status=404)
        self._exporter.schedulers.withdraw_stale()
        openmetrics = wants_openmetrics(request.headers.get("Accept", ""))
        body = self._exporter.exposition.render_target(record, openmetrics, time.monotonic())
        return await CompressedBody(body).response(request, _headers(openmetrics))

    async def _page(self, openmetrics: bool, gzip: bool) -> CompressedBody:
        """Take a snapshot, and render it; that of a fleet in another thread, compressed as well."""
        exporter = self._exporter
        exporter.withdraw_stale()
        now_s = time.monotonic()
        views = (view.families() for view in exporter.registry.profiles)
        others = chain((one.families(now_s) for one in exporter.registry), views)
        snapshot = exporter.exposition.snapshot(now_s, chain.from_iterable(others))
        documents = partial(
            document_text, exporter.fleet, exporter.reloaded_at_s, self._lag_monitor.lag_s
        )

        def render() -> CompressedBody:
            fleet = exporter.exposition.text(snapshot, openmetrics)
            own = documents(openmetrics) + process_text(openmetrics)
            return CompressedBody(*_blocks(chain(fleet, [own.encode()])))

        def render_fleet() -> CompressedBody:
            body = render()
            if gzip:
                body.compress()
            return body

        if len(snapshot.targets) < _MANY_TARGETS:
            return render()
        return await asyncio.to_thread(render_fleet)


def _blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join parts to blocks, each small enough to lie in memory that the last scrape has left.

    Whole, each scrape would have the kernel map and clear fresh pages for it, which takes longer
    than to write it. A part that is larger was made before the scrape, and is passed on as it is.
    """
    block: list[bytes] = []
    size = 0
    for part in parts:
        if block and len(part) >= _BLOCK_BYTES:
            yield b"".join(block)
            block, size = [], 0
        block.append(part)
        size += len(part)
        if size >= _BLOCK_BYTES:
            yield b"".join(block)
            block, size = [], 0
    yield b"".join(block)


def _headers(openmetrics: bool) -> dict[str, str]:
    form = OPENMETRICS if openmetrics else TEXT
    return {"Content-Type": form, "Vary": "Accept, Accept-Encoding"}
