"""Every answer on its way out: all of it goes to the kernel in time, or the connection ends.

Otherwise whoever asks and never reads would keep a connection, and what it was answered, for good.
"""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler


class WriteTimeout:
    """Sends answers within `limit_s` each."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Send whatever comes of a request, refusals as well."""
        try:
            response = await handler(request)
        except web.HTTPException as error:
            await self.send(request, error)
            raise
        await self.send(request, response)
        return response

    async def send(self, request: web.Request, response: web.StreamResponse) -> None:
        """Send an answer to its end; what is sent already is not sent again."""
        transport = request.transport
        if transport is None:
            return
        transport.set_write_buffer_limits(0)
        try:
            async with asyncio.timeout(self._limit_s):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            transport.abort()
        except ConnectionError:
            return  # aiohttp meets the same, and knows what it means
