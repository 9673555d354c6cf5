"""Files of a page that has scripts: cached by browsers, revalidated, and of this exporter alone."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aiohttp import web

from rackwatt_exporter.web.compression import CompressedBody

NO_STORE = {"Cache-Control": "no-store"}
# Only files of this exporter, no inline scripts or styles.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_REVALIDATE = {"Cache-Control": "no-cache"}
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Cacheable:
    """A body that a browser may cache and must revalidate."""

    body: CompressedBody
    content_type: str
    name: str

    async def response(self, request: web.Request) -> web.Response:
        """Return the body, or 304 if the client has it."""
        etag = f'"{self.name}"'
        headers = {**_REVALIDATE, "ETag": etag, "Content-Type": self.content_type}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return await self.body.response(request, headers)


class StaticFiles:
    """The files of a folder, one of which is the page itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _files(self) -> dict[str, Cacheable]:
        """The files by name, read when the page is first opened."""
        return {path.name: _file(path) for path in self._folder.iterdir()}

    async def page(self, request: web.Request) -> web.Response:
        """Serve the page itself, which may load nothing but files of this exporter."""
        response = await self._files["index.html"].response(request)
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    async def file(self, request: web.Request) -> web.Response:
        """Serve a script or style of the page."""
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        return await file.response(request)


def _file(path: Path) -> Cacheable:
    body = path.read_bytes()
    kind = _TYPES[path.name.rpartition(".")[2]]
    return Cacheable(CompressedBody(body), kind, hashlib.sha256(body).hexdigest()[:16])
