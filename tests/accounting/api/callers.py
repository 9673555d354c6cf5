"""A way of identification for tests of what comes after it: a header is the name."""

from aiohttp import web


class NamedCaller:
    """Believes the header `X-User`."""

    method = "test"

    async def name(self, request: web.Request) -> object:
        """Return the value of the header."""
        return request.headers.get("X-User")
