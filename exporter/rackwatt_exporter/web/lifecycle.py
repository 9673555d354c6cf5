"""Reload on request, for whoever cannot send a signal: off without `--web.enable-lifecycle`."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

Reload = Callable[[], Awaitable[Sequence[str]]]
_OFF = "reload by request is off: start with --web.enable-lifecycle, or send SIGHUP\n"


class Lifecycle:
    """`POST /-/reload`; `reload` reads everything again and tells the problems."""

    def __init__(self, reload: Reload | None) -> None:
        self._reload = reload

    async def reload(self, request: web.Request) -> web.Response:
        """Reload, and answer when it is done: 200, or 500 with what is wrong."""
        if self._reload is None:
            return web.Response(text=_OFF, status=403)
        if request.headers.get("Sec-Fetch-Site") == "cross-site":  # a page from elsewhere
            return web.Response(text="another site may not ask for this\n", status=403)
        problems = await self._reload()
        if problems:
            return web.Response(text="\n".join([*problems, ""]), status=500)
        return web.Response(text="reloaded\n")
