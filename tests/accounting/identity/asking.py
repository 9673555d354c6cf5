"""A server with the middleware, on a real socket, and what clients of it are answered."""

import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from rackwatt_accounting.identity.caller import CALLER
from rackwatt_accounting.identity.identification import Identification, Way, ways_of
from rackwatt_crds.accounting.identity import Identity
from rackwatt_crds.decoding import decode
from rackwatt_exporter.config.secrets import Secrets
from tests.eventually import PATIENCE_S


class Server:
    """A running server; `get` returns what it found, or its problem details."""

    def __init__(self, url: str, client: httpx.AsyncClient, counts: Counter[str]) -> None:
        self.url, self.client, self.counts = url, client, counts

    async def get(
        self, headers: dict[str, str] | Iterable[tuple[str, str]] = (), path: str = "/api/v2/usage"
    ) -> tuple[int, Any]:
        given = list(headers.items()) if isinstance(headers, dict) else list(headers)
        response = await self.client.get(self.url + path, headers=given)
        if response.status_code != 200:
            assert response.headers["Content-Type"].startswith("application/problem+json")
            assert response.json()["status"] == response.status_code
        return response.status_code, response.json()


async def report(request: web.Request) -> web.StreamResponse:
    if request.path == "/healthz":
        return web.json_response("open")
    caller = request[CALLER]
    return web.json_response([caller.name, caller.seen_as, caller.method, caller.is_admin])


@asynccontextmanager
async def asking(
    document: dict[str, Any],
    secrets: Path = Path("/nonexistent"),
    admins: Collection[str] = (),
    tls: ssl.SSLContext | None = None,
    verify: ssl.SSLContext | bool = True,
    is_mapped: bool = False,
) -> AsyncIterator[Server]:
    """Serve what a document opens until the block ends."""
    identity, problems = decode(document, Identity)
    assert identity is not None, problems
    counts: Counter[str] = Counter()
    ways = list(ways_of(identity, Secrets(secrets), counts))
    async with serving(ways, admins, counts, tls, verify, is_mapped) as server:
        yield server


@asynccontextmanager
async def serving(
    ways: Iterable[Way],
    admins: Collection[str],
    counts: Counter[str],
    tls: ssl.SSLContext | None = None,
    verify: ssl.SSLContext | bool = True,
    is_mapped: bool = False,
) -> AsyncIterator[Server]:
    """Serve some ways until the block ends."""
    known = Identification(ways, admins.__contains__, ["/healthz"], counts)
    application = web.Application(middlewares=[known.middleware])
    application.router.add_get("/{path:.*}", report)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    listening = (
        socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        if is_mapped
        else socket.create_server(("127.0.0.1", 0))
    )
    await web.SockSite(runner, listening, ssl_context=tls).start()
    port = runner.addresses[0][1]
    try:
        async with httpx.AsyncClient(verify=verify, timeout=PATIENCE_S, trust_env=False) as client:
            url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
            yield Server(url, client, counts)
    finally:
        await runner.cleanup()
