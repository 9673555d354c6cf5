import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest

from rackwatt_exporter.web.server import Limits
from tests.eventually import PATIENCE_S
from tests.exporter.running_exporter import RunningExporter, power_target

LOOPS = ("attended",)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "lab.yaml").write_text(power_target("[{names: n1}]", spec="interval: 1h"))
    return tmp_path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A fleet whose page no socket's buffers hold."""
    hosts = f'[{{names: "n[1-6000]", rack: {"r" * 3000}}}]'
    (tmp_path / "lab.yaml").write_text(power_target(hosts, spec="interval: 1h"))
    return tmp_path


@asynccontextmanager
async def connected(site: RunningExporter, receive_bytes: int | None = None) -> AsyncIterator[
    tuple[asyncio.StreamReader, asyncio.StreamWriter]
]:  # fmt: skip
    """A connection of one's own, that may hardly receive."""
    sock = socket.socket()
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.setblocking(False)
    url = httpx.URL(site.url)
    await asyncio.get_running_loop().sock_connect(sock, (url.host, url.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n"


@pytest.mark.parametrize("path", ["/metrics", "/probe", "/targets", "/status", "/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
async def test_other_methods_than_get_and_head_are_405(
    directory: Path, path: str, method: str
) -> None:
    async with RunningExporter(directory) as site, httpx.AsyncClient() as client:
        reply = await client.request(method, site.url + path)
        assert reply.status_code == 405
        assert reply.headers["Allow"] == "GET,HEAD"
        assert (await client.head(site.url + path)).content == b""


async def test_one_request_too_many_is_503_and_may_come_again(large: Path) -> None:
    async with RunningExporter(large, limits=Limits(requests=2)) as site:
        async with connected(site, 4096) as (_, first), connected(site, 4096) as (_, second):
            first.write(REQUEST)
            second.write(REQUEST)
            refused = await site.until(lambda text: "2 requests are in progress" in text)
            assert "--web.max-requests" in refused
            async with site.get("/targets") as response:
                assert response.status == 503
                assert response.headers["Retry-After"] == "1"
            assert await site.text("/healthz") == "ok\n"
        await site.until(lambda text: text.startswith("["), "/targets")


async def test_a_client_that_does_not_read_is_disconnected_and_frees_its_slot(
    large: Path,
) -> None:
    limits = Limits(requests=1, sending_s=0.5)
    async with (
        RunningExporter(large, limits=limits) as site,
        connected(site, 4096) as (reader, writer),
    ):
        writer.write(REQUEST)
        await site.until(lambda text: "requests are in progress" in text, "/targets")
        await site.until(lambda text: text.startswith("["), "/targets")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(50_000_000)


async def test_a_client_that_pipelines_without_reading_is_disconnected(directory: Path) -> None:
    async with RunningExporter(directory, limits=Limits(sending_s=0.3)) as site:
        async with connected(site, 4096) as (_, writer):

            async def flood() -> None:
                while True:
                    writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
                    await writer.drain()

            with pytest.raises(ConnectionError):
                async with asyncio.timeout(PATIENCE_S):
                    await flood()
        assert await site.text("/healthz") == "ok\n"


async def test_a_header_that_never_ends_is_cut_off(directory: Path) -> None:
    async with RunningExporter(directory, limits=Limits(idle_s=0.3)) as site:
        for partial in (b"", b"GET /metrics HTTP/1.1\r\nHost: ", REQUEST + b"GET /metr"):
            async with connected(site) as (reader, writer), asyncio.timeout(PATIENCE_S):
                writer.write(partial)
                while await reader.read(65536):
                    pass


async def test_a_header_that_comes_in_drops_is_cut_off_all_the_same(directory: Path) -> None:
    async with (
        RunningExporter(directory, limits=Limits(idle_s=0.3)) as site,
        connected(site) as (reader, writer),
        asyncio.timeout(PATIENCE_S),
    ):
        writer.write(b"GET /metrics HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"X-A: b\r\n")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        with pytest.raises((EOFError, ConnectionError)):
            await reader.readexactly(1)
        dripping.cancel()


async def test_more_connections_than_there_may_be_are_closed(directory: Path) -> None:
    async with RunningExporter(directory, limits=Limits(connections=3)) as site:
        async with connected(site) as one, connected(site) as two, connected(site) as three:
            for reader, writer in (one, two, three):
                writer.write(REQUEST)
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            async with connected(site) as (reader, writer), asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    assert await site.text("/healthz") == "ok\n"
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)


async def test_a_large_body_and_a_long_line_are_refused(directory: Path) -> None:
    async with RunningExporter(directory) as site, httpx.AsyncClient() as client:
        body = b"x" * 100_000
        assert (await client.request("GET", site.url, content=body)).status_code == 413
        assert (await client.get(site.url + "/probe?target=" + "x" * 9000)).status_code == 400
        assert (await client.get(site.url, headers={"X-A": "x" * 9000})).status_code == 400


async def test_a_body_without_end_is_not_read_for_long(directory: Path) -> None:
    async with RunningExporter(directory) as site, connected(site) as (reader, writer):
        writer.write(REQUEST.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(ConnectionError):
                while True:
                    writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.01)


async def test_every_answer_has_the_headers_that_keep_browsers_careful(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        for path in ("/metrics", "/", "/status", "/targets", "/nothing", "/probe"):
            async with site.get(path) as response:
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["X-Frame-Options"] == "deny"
                assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
                assert "aiohttp" not in response.headers["Server"]
