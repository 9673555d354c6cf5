"""Reload over HTTP, for users who cannot send a signal; it needs `--web.enable-lifecycle`."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

Reload = Callable[[], Awaitable[Sequence[str]]]
_DISABLED = "reload over HTTP is disabled: start with --web.enable-lifecycle, or send SIGHUP\n"


class Lifecycle:
    """`POST /-/reload`; `reload` reloads everything and returns the problems."""

    def __init__(self, reload: Reload | None) -> None:
        self._reload = reload

    async def reload(self, request: web.Request) -> web.Response:
        """Reload, and respond when it is done: 200, or 500 with the problems."""
        if self._reload is None:
            return web.Response(text=_DISABLED, status=403)
        if request.headers.get("Sec-Fetch-Site") == "cross-site":  # a page of another origin
            return web.Response(text="requests from other sites are not allowed\n", status=403)
        problems = await self._reload()
        if problems:
            return web.Response(text="\n".join([*problems, ""]), status=500)
        return web.Response(text="reloaded\n")
