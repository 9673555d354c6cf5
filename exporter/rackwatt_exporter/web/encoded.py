"""Bytes to serve to many, compressed once."""

import asyncio
import zlib

from aiohttp import web

_COMPRESS_FROM = 1024
_GZIP = 31  # zlib's window size and the bit for a gzip header


class Encoded:
    """A body that is kept as it is and, once somebody has asked for it, compressed."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._compressed: bytes | None = None

    async def response(self, request: web.Request, headers: dict[str, str]) -> web.Response:
        """Answer in the encoding that is asked for; large bodies are compressed off the loop."""
        headers = {**headers, "Vary": "Accept-Encoding"}
        body = self._body
        if len(body) > _COMPRESS_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
            if self._compressed is None:
                self._compressed = await asyncio.to_thread(zlib.compress, body, 1, _GZIP)
            body = self._compressed
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)
