"""What stands where an API server should: the client asks the real one in every other test."""

from pathlib import Path

import pytest
from aiohttp import web

from rackwatt_operator.cluster.client import Client
from rackwatt_operator.cluster.failure import ApiError
from rackwatt_operator.cluster.login import Login
from tests.cluster.cluster import write_kubeconfig


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"[1]", b'{"a": "\xff"}', b""])
async def test_what_is_no_api_server_is_no_answer(tmp_path: Path, body: bytes) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = f"http://127.0.0.1:{runner.addresses[0][1]}"
    write_kubeconfig(tmp_path / "config", {"server": server}, {"token": "t"})
    login = Login(tmp_path / "config")
    await login.renew()
    client = Client(login)
    with pytest.raises(ApiError, match=f"no API server answers at {server}") as refused:
        await client.get("/apis/apps/v1")
    assert refused.value.passing
    await client.close()
    await runner.cleanup()
