"""A kept connection to an HTTP service, over TLS as Python's own server speaks it."""

import asyncio
import http.server
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import trustme

from rackwatt_exporter.protocols.http.connection import (
    Connection,
    ConnectionClosedError,
    HandshakeCutError,
    connect,
)
from rackwatt_exporter.protocols.http.tls_stream import TlsStream
from tests.eventually import PATIENCE_S, eventually

LOOPS = ("asyncio", "uvloop")

ADDRESS = "127.0.0.1"
GET = b"GET /%s HTTP/1.1\r\nHost: bmc\r\n\r\n"
BODY = b"0123456789abcdef" * 4096  # several records of TLS
AUTHORITY = trustme.CA()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as its path says, and notes how its connection ended."""

    protocol_version = "HTTP/1.1"
    ends: list[str]

    def do_GET(self) -> None:
        if self.path == "/silent":
            self.rfile.read(1)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)
        self.close_connection = self.path == "/hangs-up"  # without saying so before

    def handle(self) -> None:
        try:
            super().handle()
        except OSError as error:
            self.ends.append(type(error).__name__)
        else:
            self.ends.append("farewell")

    def log_message(self, *_: object) -> None:
        return


class Server:
    def __init__(self, port: int, ends: list[str]) -> None:
        self.port = port
        self.ends = ends

    async def connected(self) -> Connection:
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return await connect(ADDRESS, self.port, TlsStream(context, ADDRESS))


@contextmanager
def serving(version: ssl.TLSVersion) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    AUTHORITY.issue_cert(ADDRESS).configure_cert(context)
    ends: list[str] = []
    handler = type("Noting", (Handler,), {"ends": ends})
    with http.server.ThreadingHTTPServer((ADDRESS, 0), handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Server(server.server_address[1], ends)
        finally:
            server.shutdown()
            thread.join(PATIENCE_S)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(ssl.TLSVersion.MAXIMUM_SUPPORTED) as running:
        yield running


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_one_connection_answers_again_and_again_and_is_left_politely(
    version: ssl.TLSVersion,
) -> None:
    with serving(version) as server:
        connection = await server.connected()
        for _ in range(3):
            answer = await connection.request(GET % b"")
            assert (answer.status, answer.body) == (200, BODY)
            assert connection.alive
        connection.close()
        await eventually(lambda: server.ends == ["farewell"])


async def test_a_service_that_hangs_up_afterwards_is_known_to_have_done_so(server: Server) -> None:
    connection = await server.connected()
    assert (await connection.request(GET % b"hangs-up")).body == BODY
    await eventually(lambda: not connection.alive)


async def test_a_connection_closed_before_the_response_has_its_own_error(server: Server) -> None:
    connection = await server.connected()
    asking = asyncio.create_task(connection.request(GET % b"silent"))
    await asyncio.sleep(0)
    connection.close()
    with pytest.raises(ConnectionClosedError):
        await asking


@pytest.mark.parametrize("leave", [Connection.close, Connection.abort])
async def test_a_closed_connection_sends_no_request(
    server: Server, leave: Callable[[Connection], None]
) -> None:
    connection = await server.connected()
    leave(connection)
    await eventually(lambda: len(server.ends) == 1)
    with pytest.raises(ConnectionClosedError):
        await connection.request(GET % b"")


async def test_an_exchange_that_is_cancelled_ends_the_connection(server: Server) -> None:
    connection = await server.connected()
    asking = asyncio.create_task(connection.request(GET % b"silent"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not connection.alive
    await eventually(lambda: len(server.ends) == 1)


async def test_many_connections_are_left_at_once_and_nothing_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    broken: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: broken.append(context))
    connections = [await server.connected() for _ in range(30)]
    paths = [b"", b"silent", b"hangs-up"] * 10
    pairs = zip(connections, paths, strict=True)
    asking = [asyncio.create_task(each.request(GET % path)) for each, path in pairs]
    await asking[0]  # others are half way, or wait for nothing
    for connection, task in zip(connections, asking, strict=True):
        task.cancel()
        connection.close()
    await asyncio.gather(*asking, return_exceptions=True)
    await eventually(lambda: len(server.ends) == len(connections))
    assert not broken
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_refusal_that_is_reset_within_its_body_keeps_its_status() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 X\r\nContent-Length: 9\r\n\r\n<ht")
        await writer.drain()
        linger = struct.pack("ii", 1, 0)  # so that a reset ends it
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async with await asyncio.start_server(refuse, ADDRESS, 0) as server:
        connection = await connect(ADDRESS, server.sockets[0].getsockname()[1], None)
        answer = await connection.request(GET % b"")
    assert (answer.status, answer.body) in [(401, b"<ht"), (401, b"")]
    assert not connection.alive


@pytest.mark.parametrize("said", [b"", b"\x15\x03"], ids=["nothing", "half an alert"])
async def test_a_connection_closed_within_the_handshake_has_its_own_error(said: bytes) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(hang_up, ADDRESS, 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(HandshakeCutError):
            await connect(ADDRESS, port, TlsStream(ssl.create_default_context(), ADDRESS))
