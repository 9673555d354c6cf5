"""A reverse proxy in front of the real API server, which refuses, delays and breaks as configured.

It makes nothing up but refusals: every other answer is the API server's own.
"""

import asyncio
import base64
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import aiohttp
import uvloop
import yaml
from aiohttp import web
from aiohttp.client_proto import ResponseHandler

from tests.cluster.cluster import Cluster

Fault = Callable[[str, str, bool], int | None]
"""What to do with a request: by method, path, and whether it is a watch. None lets it through."""

_REASONS = {
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
}
_HOP = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}


class Proxy:
    """The proxy; `fault` may be changed while it runs, and watches be silenced."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        where = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
        self._server = where["server"]
        pem = base64.b64decode(where["certificate-authority-data"]).decode()
        self._trust = ssl.create_default_context(cadata=pem)
        self.fault: Fault = lambda method, path, watch: None
        self.silent = False
        self.injected: Counter[int] = Counter()
        self.swallowed = 0
        self.port = 0
        self._watches: set[web.StreamResponse] = set()

    def kubeconfig(self, of: Path) -> Path:
        """Write a kubeconfig of the same user that points to the proxy."""
        settings = yaml.safe_load(of.read_text())
        settings["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{self.port}"}
        path = self._cluster.directory / f"proxied-{self.port}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(settings))
        return path

    async def serve(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._trust)
        opened: list[asyncio.BaseTransport] = []
        connector._factory = partial(  # type: ignore[assignment]
            _Recorded, opened, asyncio.get_running_loop()
        )
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as self._session:
            app = web.Application(client_max_size=16 * 1024 * 1024)
            app.router.add_route("*", "/{path:.*}", self._pass_on)
            # A watch whose client has gone would keep the proxy up until the API server ends it.
            runner = web.AppRunner(
                app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
            )
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.port = runner.addresses[0][1]
            ready()
            await stop.wait()
            await runner.cleanup()
        for transport in opened:
            cast(asyncio.Transport, transport).abort()
        await asyncio.sleep(0)  # the loop closes what was aborted

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        watch = "watch" in request.query
        if status := self.fault(request.method, request.path, watch):
            self.injected[status] += 1
            return _refusal(status, watch)
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        try:
            async with self._session.request(
                request.method, self._server + request.path_qs, headers=headers,
                data=await request.read() or None, skip_auto_headers=("Content-Type",),
            ) as answer:  # fmt: skip
                try:
                    return await self._hand_on(request, answer, watch)
                finally:
                    # To close a watch would be to wait until the API server closes it as well.
                    if answer.connection and answer.connection.transport:
                        answer.connection.transport.abort()
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=str(error))

    async def _hand_on(
        self, request: web.Request, answer: aiohttp.ClientResponse, watch: bool
    ) -> web.StreamResponse:
        headers = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP}
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        silent = False  # once it is, for good: a connection that lost bytes delivers no later ones
        async for chunk in answer.content.iter_any():
            silent = silent or (watch and self.silent)
            if silent:
                self.swallowed += 1
            else:
                await response.write(chunk)
        await response.write_eof()
        return response


class _Recorded(ResponseHandler):
    """A connection to the API server, whose transport can be aborted once it is closing.

    A request that is cancelled before its answer closes its connection, and so waits for the API
    server to close it as well.
    """

    def __init__(
        self, opened: list[asyncio.BaseTransport], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(loop)
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport: a protocol that closes forgets its own."""
        self._opened.append(transport)
        super().connection_made(transport)


def _refusal(status: int, watch: bool) -> web.Response:
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": f"injected: {_REASONS[status]}",
        "reason": _REASONS[status],
        "code": status,
    }
    headers = {"Retry-After": "1"} if status == 429 else {}
    if watch and status == 410:  # a watch has an event for it
        return web.Response(
            text=json.dumps({"type": "ERROR", "object": body}) + "\n",
            content_type="application/json",
        )
    return web.json_response(body, status=status, headers=headers)


@contextmanager
def proxied(cluster: Cluster) -> Iterator[Proxy]:
    """Run a proxy while the block lasts, in a thread of its own.

    A request cut short leaves a TLS connection that is closed only once the API server has answered
    its close_notify. When uvloop ends it closes what is open; asyncio's own loop would leave that to
    the garbage collector, which reports it in the middle of another test.
    """
    proxy, began = Proxy(cluster), threading.Event()
    loop, stop = uvloop.new_event_loop(), asyncio.Event()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(proxy.serve(began.set, stop))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert began.wait(30)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
