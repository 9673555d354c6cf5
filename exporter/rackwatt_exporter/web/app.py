"""HTTP application. It serves stored values and polls nothing: a scrape costs a BMC nothing."""

import time
from typing import Any

from aiohttp import hdrs, web

from rackwatt_crds.cli.loop_lag import LoopLagMonitor
from rackwatt_exporter import __version__
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.web.discovery import TargetGroups
from rackwatt_exporter.web.fleet_page import FleetPage
from rackwatt_exporter.web.lifecycle import Lifecycle, Reload
from rackwatt_exporter.web.metrics import MetricsHandler
from rackwatt_exporter.web.middleware.authentication import HEALTH, REQUIRES_TOKEN
from rackwatt_exporter.web.node_data import is_measured, node_data
from rackwatt_exporter.web.node_page import OwnNodePage
from rackwatt_exporter.web.plain_page import render
from rackwatt_exporter.web.profiling import PATH, ProfilingHandler
from rackwatt_exporter.web.relay import ROUTE, RelayHandler
from rackwatt_exporter.web.status import MAX_FAILING, status
from rackwatt_exporter.web.traces import TraceHandler

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
}
_MAX_STARTUP_S = 60.0


class WebApp:
    """The routes of an exporter and their handlers."""

    def __init__(
        self,
        exporter: Exporter,
        lag_monitor: LoopLagMonitor,
        telemetry_path: str,
        reload: Reload | None = None,
    ) -> None:
        self._exporter = exporter
        self._telemetry_path = telemetry_path
        self._metrics = MetricsHandler(exporter, lag_monitor)
        self._target_groups = TargetGroups(exporter)
        self._relay = RelayHandler(exporter)
        self._lifecycle = Lifecycle(reload)
        self._traces = TraceHandler(exporter)
        self._started_s = time.monotonic()

    def build(self) -> web.Application:
        """Build the application."""
        app = web.Application(client_max_size=64 * 1024)
        app.router.add_get(self._telemetry_path, self._metrics.metrics)
        app.router.add_get("/probe", self._metrics.probe)
        app.router.add_get("/targets", self._target_groups.targets)
        app.router.add_get(PATH, ProfilingHandler(self._exporter).targets)
        app.router.add_get(ROUTE, self._relay.snapshot)
        app.router.add_post("/-/reload", self._lifecycle.reload)
        app.router.add_get("/status", self.status)
        app.router.add_get(HEALTH, healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/plain", self.plain)
        if self._telemetry_path != "/":
            FleetPage(self._exporter, self._telemetry_path).add_to(app)
            OwnNodePage(self._exporter, self._telemetry_path).add_to(app)
        self._traces.add_to(app)
        app[REQUIRES_TOKEN] = self._traces.requires_token
        app.on_response_prepare.append(_add_headers)
        return app

    async def status(self, request: web.Request) -> web.Response:
        """Serve the status as JSON, bounded; with `?node=`, everything about one node."""
        node = request.query.get("node")
        if node is not None:
            return self._node_status(node)
        max_failing = _number(request.query.get("failing"), 10, MAX_FAILING)
        uptime_s = time.monotonic() - self._started_s
        return web.json_response(
            status(self._exporter, uptime_s, max_failing, self._metrics.scraper)
        )

    def _node_status(self, node: str) -> web.Response:
        """Describe a target, or this machine where it is measured from inside, or both."""
        exporter = self._exporter
        record = exporter.targets.records.get(node)
        is_here = node == exporter.host.node and is_measured(exporter)
        if record is None and not is_here:
            return web.json_response({"error": f"unknown target {node!r}"}, status=404)
        found: dict[str, Any] = {"node": node}
        if record is not None:
            found = exporter.registry.targets.status(record, time.monotonic())
        if is_here:
            found["inside"] = node_data(exporter)
        return web.json_response(found)

    async def plain(self, request: web.Request) -> web.Response:
        """Serve the list of targets as a page without scripts."""
        page = _number(request.query.get("page"), 1, 10_000)
        text = render(self._exporter, time.monotonic(), page, self._telemetry_path)
        return web.Response(text=text, content_type="text/html")

    async def readyz(self, _: web.Request) -> web.Response:
        """Serve readiness: everything was polled once, or the exporter has run for a minute."""
        exporter = self._exporter
        stores = (pipeline.store for pipeline in exporter.registry)
        took = [record.took_s for store in stores for record in store.records.values()]
        if not took:
            return web.Response(text="no targets: no document configures any\n", status=503)
        waiting = sum(took_s is None for took_s in took)
        if waiting and time.monotonic() - self._started_s < _MAX_STARTUP_S:
            message = f"{waiting} of {len(took)} targets not polled yet\n"
            return web.Response(text=message, status=503)
        return web.Response(text="ready\n")


def build_health_app() -> web.Application:
    """Build an application with `/healthz` only, for a listener without TLS."""
    app = web.Application()
    app.router.add_get(HEALTH, healthz)
    app.on_response_prepare.append(_add_headers)
    return app


async def healthz(_: web.Request) -> web.Response:
    """Respond that the process runs, and nothing else."""
    return web.Response(text="ok\n")


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.SERVER] = f"rackwatt-exporter/{__version__}"
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def _number(text: str | None, default: int, maximum: int) -> int:
    return min(int(text), maximum) if text and text.isascii() and text.isdigit() else default
