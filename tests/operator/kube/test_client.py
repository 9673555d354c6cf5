"""Servers that are not an API server: every other test uses the real one."""

from pathlib import Path

import pytest
from aiohttp import web

from rackwatt_operator.kube.auth import ClusterCredentials
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.errors import ApiError
from tests.cluster.cluster import write_kubeconfig

NO_SERVER = r"http://127\.0\.0\.1:\d+ is not an API server"
TOO_DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Please log in</html>", NO_SERVER),
        (b"[1]", NO_SERVER),
        (b'{"a": "\xff"}', NO_SERVER),
        (b"", NO_SERVER),
        (TOO_DEEP, "/apis/apps/v1: an object there is nested too deep"),
    ],
    ids=["page", "list", "bytes", "empty", "deep"],
)
async def test_the_client_rejects_responses_that_it_cannot_decode(
    tmp_path: Path, body: bytes, message: str
) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = f"http://127.0.0.1:{runner.addresses[0][1]}"
    write_kubeconfig(tmp_path / "config", {"server": server}, {"token": "t"})
    login = ClusterCredentials(tmp_path / "config")
    await login.renew()
    client = Client(login)
    with pytest.raises(ApiError, match=message) as refused:
        await client.get("/apis/apps/v1")
    assert refused.value.is_retriable
    await client.close()
    await runner.cleanup()
