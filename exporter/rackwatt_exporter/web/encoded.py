"""Bytes to serve to many, compressed once."""

import asyncio
import re
import zlib

from aiohttp import web

_COMPRESS_FROM = 1024
_GZIP = 31  # zlib's window size and the bit for a gzip header
_WANTED = re.compile(r"(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[\d.]+\s*)?(?:,|$)")


class Encoded:
    """A body that is kept as it is and, once somebody has asked for it, compressed."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._compressed: asyncio.Future[bytes] | None = None

    async def response(self, request: web.Request, headers: dict[str, str]) -> web.Response:
        """Answer in the encoding that is asked for; large bodies are compressed off the loop."""
        headers = {"Vary": "Accept-Encoding", **headers}
        body = self._body
        if len(body) > _COMPRESS_FROM and wants_gzip(request.headers.get("Accept-Encoding", "")):
            if self._compressed is None:
                loop = asyncio.get_running_loop()
                self._compressed = loop.run_in_executor(None, zlib.compress, body, 1, _GZIP)
            body = await asyncio.shield(self._compressed)
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)


def wants_gzip(accept: str) -> bool:
    """Tell whether an Accept-Encoding header names gzip, and not to say that it may not be."""
    return _WANTED.search(accept.lower()) is not None
