import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from rackwatt_exporter.web.listener import Listener
from rackwatt_exporter.web.web_config_file import read
from tests.eventually import PATIENCE_S
from tests.exporter.web.tls_files import TLS, WebFiles

LOOPS = ("attended",)


class Greeter(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:  # uvloop's are no asyncio.Transport
        transport.write(b"hello")
        transport.close()


async def greeted(host: str, port: int, tls: ssl.SSLContext | None = None) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        try:
            return await reader.read()
        finally:
            writer.close()


async def test_without_a_host_it_listens_on_either_family_at_one_port() -> None:
    listener = Listener("", 0, 1.0)
    await listener.serve(Greeter, None)
    ((_, port),) = listener.addresses
    assert await greeted("127.0.0.1", port) == b"hello"
    if socket.has_dualstack_ipv6():
        assert await greeted("::1", port) == b"hello"
    listener.close()
    with pytest.raises(OSError):
        await greeted("127.0.0.1", port)


async def test_a_port_that_is_taken_or_an_address_of_others_is_an_error() -> None:
    listener = Listener("127.0.0.1", 0, 1.0)
    ((_, port),) = listener.addresses
    with pytest.raises(OSError, match="in use"):
        Listener("127.0.0.1", port, 1.0)
    with pytest.raises(OSError):
        Listener("192.0.2.1", 0, 1.0)
    listener.close()


async def test_a_handshake_that_never_ends_is_disconnected(tmp_path: Path) -> None:
    web_files = WebFiles(tmp_path)
    listener = Listener("127.0.0.1", 0, 0.3)
    await listener.serve(Greeter, read(web_files.write(tls_server_config=TLS)).tls)
    ((host, port),) = listener.addresses
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"\x16\x03\x01")
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    writer.close()
    trusted = ssl.create_default_context(cafile=str(web_files.authority_file))
    assert await greeted(host, port, trusted) == b"hello"
    listener.close()


async def test_a_listener_replaces_its_protocol_and_keeps_open_connections() -> None:
    class Other(Greeter):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data.upper())

    listener = Listener("127.0.0.1", 0, 1.0)
    await listener.serve(Other, None)
    ((host, port),) = listener.addresses
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"a")
    assert await reader.readexactly(1) == b"A"
    await listener.serve(Greeter, None)
    assert await greeted(host, port) == b"hello"
    writer.write(b"b")
    assert await reader.readexactly(1) == b"B"
    writer.close()
    listener.close()
