"""Bytes received are counted for the task that polls, through every transport."""

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestServer

from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.protocols.http.tls import TlsParameters
from rackwatt_exporter.received import ReceivedBytes, count_received, counting
from tests.eventually import PATIENCE_S


async def test_polls_at_once_are_counted_apart_with_the_tasks_and_threads_that_they_start() -> None:
    async def poll(size: int) -> ReceivedBytes:
        received = ReceivedBytes()
        with counting(received):
            count_received(size)
            await asyncio.to_thread(count_received, size)
            going_on = asyncio.create_task(later(size))
        await going_on
        return received

    async def later(size: int) -> None:
        await asyncio.sleep(0)
        count_received(size)

    polls = await asyncio.gather(*(poll(size) for size in range(5)))
    assert [received.total for received in polls] == [0, 3, 6, 9, 12]
    count_received(7)  # of no poll
    assert [received.total for received in polls] == [0, 3, 6, 9, 12]


async def test_what_a_command_prints_counts_without_its_errors() -> None:
    received = ReceivedBytes()
    with counting(received):
        await LocalHost().run(("sh", "-c", "printf 12345; echo words >&2"), PATIENCE_S)
    assert received.total == 5


async def test_a_body_counts_as_it_is_decompressed() -> None:
    async def serve(_: web.Request) -> web.Response:
        response = web.Response(body=b"x" * 10_000)
        response.enable_compression()
        return response

    app = web.Application()
    app.router.add_get("/", serve)
    received = ReceivedBytes()
    async with TestServer(app) as server:
        client = HttpClient(str(server.make_url("")).rstrip("/"), TlsParameters, PATIENCE_S)
        with counting(received):
            answer = await client.get("/", {"Accept-Encoding": "gzip"})
        await client.close()
    assert (len(answer.body), received.total) == (10_000, 10_000)
