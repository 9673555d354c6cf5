"""The fleet page: its files, and the numbers it fetches.

It polls. A stream from here to there would hold one of the six connections that a browser has for
a host, and a socket here, for each open tab; a request for what is new since a revision needs
nothing kept, passes any proxy, and a page in the background simply stops asking.
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

_FOLDER = Path(__file__).parent / "fleet"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_NOT_KEPT = {"Cache-Control": "no-store"}
_REVALIDATE = {"Cache-Control": "no-cache"}
# Nothing from anywhere else, and nothing written into the page: scripts and styles are its files.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a browser may keep, as long as it asks each time whether it is still the same."""

    body: CompressedBody
    content_type: str
    name: str

    async def response(self, request: web.Request) -> web.Response:
        etag = f'"{self.name}"'
        headers = {**_REVALIDATE, "ETag": etag, "Content-Type": self.content_type}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return await self.body.response(request, headers)


def _file(path: Path) -> _Kept:
    body = path.read_bytes()
    kind = _TYPES[path.name.rpartition(".")[2]]
    return _Kept(CompressedBody(body), kind, sha256(body).hexdigest()[:16])


class FleetPage:
    """The page at `/`, and what is below `/fleet/`."""

    def __init__(self, exporter: Exporter, telemetry_path: str) -> None:
        self._exporter = exporter
        self._picture = FleetData(exporter, telemetry_path)
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
            raise web.HTTPTemporaryRedirect("plain", headers=_NOT_KEPT)
        response = await self._files["index.html"].response(request)
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    async def file(self, request: web.Request) -> web.Response:
        """Serve one of the page's scripts and styles; there is nothing else to be had."""
        asked = self._files.get(request.match_info["name"])
        if asked is None:
            raise web.HTTPNotFound
        return await asked.response(request)

    async def layout(self, request: web.Request) -> web.Response:
        """Serve names and places, or that they are still the same."""
        layout = self._picture.layout()
        return await _Kept(layout, "application/json", self._picture.layout_name).response(request)

    async def readings(self, request: web.Request) -> web.Response:
        """Serve what is new since `?since=` in the layout `?layout=`."""
        since = request.query.get("since", "")
        revision = int(since) if since.isascii() and since.isdigit() and len(since) < 19 else 0
        drawn = self._picture.readings(request.query.get("layout", ""), revision)
        headers = {**_NOT_KEPT, "Content-Type": "application/json"}
        return await drawn.response(request, headers)

    async def target(self, request: web.Request) -> web.Response:
        """Serve of `?node=` what its status does not tell: its session, and its last hour."""
        node = request.query.get("node", "")
        told = {"session": self._exporter.registry.targets.session(node), **self._hour(node)}
        return web.json_response(told, headers=_NOT_KEPT)

    async def sum(self, _: web.Request) -> web.Response:
        """Serve the last hour of all targets together."""
        return web.json_response(self._hour(None), headers=_NOT_KEPT)

    def _hour(self, node: str | None) -> dict[str, Any]:
        return {"step_s": STEP_S, "watts": self._exporter.history.watts(node)}
