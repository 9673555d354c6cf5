"""A kubeconfig's certificates: shown to the server, checked against its name, kept in no file."""

import base64
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from rackwatt_operator.kube.auth import ClusterCredentials
from tests.cluster.cluster import write_kubeconfig

NAME = "kubernetes.example"


@asynccontextmanager
async def serving(authority: trustme.CA) -> AsyncIterator[str]:
    """Serve every client that has a certificate of the authority, as `NAME`; yield the URL."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(NAME).configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED

    async def welcome(_: web.Request) -> web.Response:
        return web.Response(text="welcome")

    app = web.Application()
    app.router.add_get("/", welcome)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def encoded(blob: trustme.Blob) -> str:
    return base64.b64encode(blob.bytes()).decode()


async def test_credentials_use_keys_of_a_kubeconfig_and_leave_them_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    mine = authority.issue_cert("operator")
    (tmp_path / "temporary").mkdir()
    user = {
        "client-certificate-data": encoded(mine.cert_chain_pems[0]),
        "client-key-data": encoded(mine.private_key_pem),
    }
    trust = {"certificate-authority-data": encoded(authority.cert_pem), "tls-server-name": NAME}
    async with serving(authority) as url:
        write_kubeconfig(tmp_path / "config", {"server": url, **trust}, user)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        login = ClusterCredentials(tmp_path / "config")
        for _ in range(2):
            await login.renew()
            assert not list((tmp_path / "temporary").iterdir())
            async with login.session() as session, session.get(login.server) as answer:
                assert await answer.text() == "welcome"


@pytest.mark.parametrize(
    ("server", "path"),
    [
        ("https://kubernetes.example", ""),
        ("https://kubernetes.example:6443/", ""),
        ("https://rancher.example/k8s/clusters/c-m-abc", "/k8s/clusters/c-m-abc"),
        ("https://rancher.example/k8s/clusters/c-m-abc/", "/k8s/clusters/c-m-abc"),
        ("http://127.0.0.1:8001/a%20b", "/a b"),
        ("https://[fd00::1]:6443/proxy", "/proxy"),
    ],
)
async def test_credentials_have_the_path_of_the_api_server(
    server: str, path: str, tmp_path: Path
) -> None:
    write_kubeconfig(tmp_path / "config", {"server": server}, {})
    login = ClusterCredentials(tmp_path / "config")
    await login.renew()
    assert login.path == path
    assert login.server == server.rstrip("/")
