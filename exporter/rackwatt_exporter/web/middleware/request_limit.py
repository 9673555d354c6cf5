"""How many requests are answered at once, and how much they may bring."""

from aiohttp import web
from aiohttp.typedefs import Handler

from rackwatt_exporter.web.middleware.authentication import HEALTH
from rackwatt_exporter.web.middleware.write_timeout import WriteTimeout

MOST_REQUESTS = 40  # as node_exporter has it
MOST_BODY_BYTES = 64 * 1024


class RequestLimit:
    """`most` requests at once, or any number where it is 0."""

    def __init__(self, most: int, delivery: WriteTimeout) -> None:
        self._most = most
        self._delivery = delivery
        self._taken = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer in a place of its own until all is sent, or 413, or 503 where there is none.

        A probe needs no place: slow clients in all of them are no reason to end the process.
        """
        if request.path == HEALTH:
            return await handler(request)
        size = request.content_length or 0
        if size > MOST_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(MOST_BODY_BYTES, size)
        if self._most and self._taken >= self._most:
            told = f"{self._most} requests are being answered (--web.max-requests): try again\n"
            raise web.HTTPServiceUnavailable(text=told, headers={"Retry-After": "1"})
        self._taken += 1
        try:
            response = await handler(request)
            await self._delivery.send(request, response)
        finally:
            self._taken -= 1
        return response
