"""Fleet page: its static files, and the data that it fetches.

The page polls. A stream would occupy one of a browser's six connections to a host, and a socket
here, for each open tab. A request for the changes since a revision needs no state, passes any
proxy, and a page in the background stops polling.
"""

from pathlib import Path
from typing import Any

from aiohttp import web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.history import STEP_S
from rackwatt_exporter.web.fleet_data import FleetData
from rackwatt_exporter.web.node_jobs import description, node_jobs
from rackwatt_exporter.web.static_file import NO_STORE, Cacheable, StaticFiles

_FOLDER = Path(__file__).parent / "fleet"


class FleetPage:
    """The page at `/`, and the routes below `/fleet/`."""

    def __init__(self, exporter: Exporter, telemetry_path: str) -> None:
        self._exporter = exporter
        self._data = FleetData(exporter, telemetry_path)
        self._files = StaticFiles(_FOLDER)

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/", self.page)
        app.router.add_get("/fleet/layout", self.layout)
        app.router.add_get("/fleet/readings", self.readings)
        app.router.add_get("/fleet/target", self.target)
        app.router.add_get("/fleet/sum", self.sum)
        app.router.add_get("/fleet/{name}", self._files.file)

    async def page(self, request: web.Request) -> web.Response:
        """Serve the page itself; the plain list where there is nothing to show."""
        if not any(pipeline.store.records for pipeline in self._exporter.registry):
            raise web.HTTPTemporaryRedirect("plain", headers=NO_STORE)
        return await self._files.page(request)

    async def layout(self, request: web.Request) -> web.Response:
        """Serve the layout, or 304 if the client has it."""
        layout = self._data.layout()
        return await Cacheable(layout, "application/json", self._data.layout_name).response(request)

    async def readings(self, request: web.Request) -> web.Response:
        """Serve the changes since `?since=` in the layout `?layout=`."""
        since = request.query.get("since", "")
        revision = int(since) if since.isascii() and since.isdigit() and len(since) < 19 else 0
        changes = self._data.readings(request.query.get("layout", ""), revision)
        headers = {**NO_STORE, "Content-Type": "application/json"}
        return await changes.response(request, headers)

    async def target(self, request: web.Request) -> web.Response:
        """Serve what the status of `?node=` lacks: its session, its jobs and its last hour."""
        node = request.query.get("node", "")
        exporter = self._exporter
        exporter.withdraw_stale()
        record = exporter.targets.records.get(node)
        jobs = node_jobs(exporter, [record.spec] if record else []).get(node)
        session = exporter.registry.targets.session(node)
        details = {"session": session, "jobs": description(jobs), **self._hour(node)}
        return web.json_response(details, headers=NO_STORE)

    async def sum(self, _: web.Request) -> web.Response:
        """Serve the last hour of the sum of all targets."""
        return web.json_response(self._hour(None), headers=NO_STORE)

    def _hour(self, node: str | None) -> dict[str, Any]:
        return {"step_s": STEP_S, "watts": self._exporter.history.watts(node)}
