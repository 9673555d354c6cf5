"""Messages of libraries that are filtered from the log."""

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import aiohttp
import pytest
import trustme
import uvloop
from aiohttp import web

from rackwatt_operator.commands.logs import handle_loop_error

ANSWER_S = 0.05


async def answer(_: web.Request) -> web.Response:
    await asyncio.sleep(ANSWER_S)
    return web.Response(text="ok")


@contextmanager
def answering(authority: trustme.CA) -> Iterator[web.AppRunner]:
    """Run a server, in a thread of its own, that responds over TLS after some time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    app = web.Application()
    app.router.add_get("/", answer)
    served = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def serve() -> None:
        await served.setup()
        await web.TCPSite(served, "127.0.0.1", 0, ssl_context=context).start()
        ready.set()
        await stop.wait()
        await served.cleanup()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)


async def poll(session: aiohttp.ClientSession, url: str) -> None:
    """Send requests repeatedly, and cancel each at about the time that its response arrives."""
    for number in range(20):
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(ANSWER_S + 0.0003 * (number - 6)),
                session.get(url) as response,
            ):
                await response.read()


async def give_up(served: web.AppRunner, trust: ssl.SSLContext) -> None:
    """Cancel requests whose responses wait to be read, in a loop that is blocked."""
    asyncio.get_running_loop().set_exception_handler(handle_loop_error)
    url = f"https://127.0.0.1:{served.addresses[0][1]}/"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=trust)) as session:
        asking = [asyncio.create_task(poll(session, url)) for _ in range(20)]
        while not all(task.done() for task in asking):
            time.sleep(0.004)
            await asyncio.sleep(0.001)
        await asyncio.gather(*asking)
    async with asyncio.timeout(60):
        while served.server and served.server.connections:  # farewells of TLS are under way
            await asyncio.sleep(0.01)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a last farewell
def test_loop_errors_omit_an_answer_to_an_abandoned_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with (
        answering(authority) as served,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(give_up(served, trust))
    assert "Fatal error on SSL protocol" not in caplog.text


def test_loop_errors_of_any_other_kind_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        handle_loop_error(
            runner.get_loop(), {"message": "it broke", "exception": RuntimeError("so it did")}
        )
    assert "it broke" in caplog.text
