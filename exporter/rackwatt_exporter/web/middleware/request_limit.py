"""Limit of concurrent requests and of their bodies."""

from aiohttp import web
from aiohttp.typedefs import Handler

from rackwatt_exporter.web.middleware.authentication import HEALTH
from rackwatt_exporter.web.middleware.write_timeout import WriteTimeout

MAX_REQUESTS = 40  # as in node_exporter
MAX_BODY_BYTES = 64 * 1024


class RequestLimit:
    """Limit of concurrent requests; 0 is no limit."""

    def __init__(self, limit: int, write_timeout: WriteTimeout) -> None:
        self._limit = limit
        self._write_timeout = write_timeout
        self._active = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle a request until its response is sent; 413 or 503 above a limit.

        Probes are exempt: slow clients must not cause a restart of the process.
        """
        if request.path == HEALTH:
            return await handler(request)
        size = request.content_length or 0
        if size > MAX_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, size)
        if self._limit and self._active >= self._limit:
            message = f"{self._limit} requests are in progress (--web.max-requests): try again\n"
            raise web.HTTPServiceUnavailable(text=message, headers={"Retry-After": "1"})
        self._active += 1
        try:
            response = await handler(request)
            await self._write_timeout.send(request, response)
        finally:
            self._active -= 1
        return response
