"""Fleet page: its static files, and the data that it fetches.

The page polls. A stream would occupy one of a browser's six connections to a host, and a socket
here, for each open tab. A request for the changes since a revision needs no state, passes any
proxy, and a page in the background stops polling.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.history import STEP_S
from rackwatt_exporter.web.compression import CompressedBody
from rackwatt_exporter.web.fleet_data import FleetData
from rackwatt_exporter.web.node_jobs import description, node_jobs

_FOLDER = Path(__file__).parent / "fleet"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_NO_STORE = {"Cache-Control": "no-store"}
_REVALIDATE = {"Cache-Control": "no-cache"}
# Only files of this exporter, no inline scripts or styles.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class _Cacheable:
    """A body that a browser may cache and must revalidate."""

    body: CompressedBody
    content_type: str
    name: str

    async def response(self, request: web.Request) -> web.Response:
        etag = f'"{self.name}"'
        headers = {**_REVALIDATE, "ETag": etag, "Content-Type": self.content_type}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return await self.body.response(request, headers)


def _file(path: Path) -> _Cacheable:
    body = path.read_bytes()
    kind = _TYPES[path.name.rpartition(".")[2]]
    return _Cacheable(CompressedBody(body), kind, sha256(body).hexdigest()[:16])


class FleetPage:
    """The page at `/`, and the routes below `/fleet/`."""

    def __init__(self, exporter: Exporter, telemetry_path: str) -> None:
        self._exporter = exporter
        self._data = FleetData(exporter, telemetry_path)
        self._files = {path.name: _file(path) for path in _FOLDER.iterdir()}

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/", self.page)
        app.router.add_get("/fleet/layout", self.layout)
        app.router.add_get("/fleet/readings", self.readings)
        app.router.add_get("/fleet/target", self.target)
        app.router.add_get("/fleet/sum", self.sum)
        app.router.add_get("/fleet/{name}", self.file)

    async def page(self, request: web.Request) -> web.Response:
        """Serve the page itself; the plain list where there is nothing to show."""
        if not any(pipeline.store.records for pipeline in self._exporter.registry):
            raise web.HTTPTemporaryRedirect("plain", headers=_NO_STORE)
        response = await self._files["index.html"].response(request)
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    async def file(self, request: web.Request) -> web.Response:
        """Serve a script or style of the page."""
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return await file.response(request)

    async def layout(self, request: web.Request) -> web.Response:
        """Serve the layout, or 304 if the client has it."""
        layout = self._data.layout()
        return await _Cacheable(layout, "application/json", self._data.layout_name).response(
            request
        )

    async def readings(self, request: web.Request) -> web.Response:
        """Serve the changes since `?since=` in the layout `?layout=`."""
        since = request.query.get("since", "")
        revision = int(since) if since.isascii() and since.isdigit() and len(since) < 19 else 0
        changes = self._data.readings(request.query.get("layout", ""), revision)
        headers = {**_NO_STORE, "Content-Type": "application/json"}
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
        return web.json_response(details, headers=_NO_STORE)

    async def sum(self, _: web.Request) -> web.Response:
        """Serve the last hour of the sum of all targets."""
        return web.json_response(self._hour(None), headers=_NO_STORE)

    def _hour(self, node: str | None) -> dict[str, Any]:
        return {"step_s": STEP_S, "watts": self._exporter.history.watts(node)}
