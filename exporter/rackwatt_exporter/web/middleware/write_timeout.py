"""Timeout of sending a response, after which the connection is closed.

Otherwise a client that never reads would keep a connection and its response forever.
"""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler


class WriteTimeout:
    """Sends each response within `limit_s` seconds."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Send the response of a request, also of an error."""
        try:
            response = await handler(request)
        except web.HTTPException as error:
            await self.send(request, error)
            raise
        await self.send(request, response)
        return response

    async def send(self, request: web.Request, response: web.StreamResponse) -> None:
        """Send a response completely; a response that was sent is not sent again."""
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
            return  # aiohttp gets the same error and handles it
