"""An HTTP answer that may be anything, and a service that closes kept connections."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import Origin, RedfishResponse
from rackwatt_exporter.protocols.redfish.login import RedfishAccount
from rackwatt_exporter.reading import ReadError, Reason


@given(st.integers(100, 999), st.binary(), st.text(max_size=20))
def test_any_answer_is_a_document_or_has_a_reason(status: int, body: bytes, kind: str) -> None:
    answer = RedfishResponse(status, {"content-type": kind}, body)
    try:
        assert isinstance(answer.document("/redfish/v1/"), dict)
    except ReadError as error:
        assert error.reason in {
            Reason.AUTH_FAILED,
            Reason.BAD_REPLY,
            Reason.PRIVILEGE_INSUFFICIENT,
            Reason.SESSION_LIMIT,
        }


@pytest.mark.parametrize("kind", ["text/\udcff\udcfe", "text/\x1b[2J"])
def test_a_message_about_a_response_is_printable(kind: str) -> None:
    with pytest.raises(ReadError) as caught:
        RedfishResponse(200, {"content-type": kind}, b"").document("/redfish/v1/")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"a":' * 200_000, b'"\\ud800"', b"\xff{}"])
def test_json_made_to_break_parsers_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        RedfishResponse(200, {}, body).document("/redfish/v1/")
    assert caught.value.reason is Reason.BAD_REPLY


class Impatient:
    """A service that answers once on each connection, and closes it at the next request."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b""):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heard.append(head.split()[0].decode())
            writer.write(said)
        writer.close()


@pytest.fixture
async def impatient() -> AsyncIterator[Impatient]:
    service = Impatient()
    async with await asyncio.start_server(service.answer, "127.0.0.1", 0) as server:
        service.port = server.sockets[0].getsockname()[1]
        yield service


@pytest.fixture
async def origin(impatient: Impatient) -> AsyncIterator[Origin]:
    made = Origin(URL(f"http://127.0.0.1:{impatient.port}/"), ssl.create_default_context, None)
    yield made
    made.close()


async def test_a_safe_request_is_repeated_on_a_new_connection(
    impatient: Impatient, origin: Origin
) -> None:
    for _ in range(2):
        assert (await origin.request("GET", "/redfish/v1/", {})).status == 200
    assert impatient.heard == ["GET", "GET", "GET"]


async def test_a_login_is_not_sent_twice(impatient: Impatient, origin: Origin) -> None:
    await origin.request("GET", "/redfish/v1/", {})
    with pytest.raises(ReadError) as caught:
        await origin.request("POST", "/redfish/v1/SessionService/Sessions", {}, b"")
    assert caught.value.reason is Reason.BAD_REPLY
    assert "closed the connection" in str(caught.value)
    assert impatient.heard == ["GET", "POST"]
    assert (await origin.request("GET", "/redfish/v1/", {})).status == 200


@pytest.mark.parametrize("path", ["//elsewhere/x", "elsewhere", "", "https://elsewhere/"])
async def test_what_is_no_path_is_not_requested(
    impatient: Impatient, origin: Origin, path: str
) -> None:
    with pytest.raises(ReadError, match="no path of this service"):
        await origin.request("GET", path, {})
    assert impatient.heard == []


async def test_a_path_cannot_smuggle_another_request(impatient: Impatient, origin: Origin) -> None:
    path = "/a b\r\nX: y\r\n\r\nDELETE /"
    assert (await origin.request("GET", path, {})).status == 200
    assert impatient.heard == ["GET"]


SESSIONS = "/redfish/v1/SessionService/Sessions"


class Echoing:
    """A service that names a session after its user, and redirects to paths that end in a slash."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.left = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split(" ", 2)
                length = head.partition("Content-Length: ")[2].partition("\r\n")[0]
                await reader.readexactly(int(length or 0))
                self.heard.append(f"{method} {path}")
                writer.write(self.said(method, path).encode())
        writer.close()
        await writer.wait_closed()
        self.left.set()

    def said(self, method: str, path: str) -> str:
        if method == "POST":
            fields = f"X-Auth-Token: t1\r\nLocation: {SESSIONS}/admin0001\r\n"
            return f"HTTP/1.1 201 X\r\n{fields}Content-Length: 0\r\n\r\n"
        if not path.endswith("/") and method == "GET":
            return f"HTTP/1.1 308 X\r\nLocation: {path}/\r\nContent-Length: 0\r\n\r\n"
        body = '{"@odata.id": "/redfish/v1/Chassis/1/Power", "Power": 301, "Of": "Chassis"}'
        return f"HTTP/1.1 200 X\r\nContent-Length: {len(body)}\r\n\r\n{body}"


@pytest.mark.parametrize("basic", [True, False])
@pytest.mark.parametrize("password", ["admin", "redfish", "Chassis", "Power", "Sessions", "0001"])
async def test_a_password_that_is_a_part_of_a_path_changes_none(password: str, basic: bool) -> None:
    """Found: a session that is named after its user was not ended, and a BMC has few of them."""
    service, path = Echoing(), "/redfish/v1/Chassis/1/Power"
    async with await asyncio.start_server(service.answer, "127.0.0.1", 0) as server:
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        origin = Origin(url, ssl.create_default_context, None)
        client = RedfishClient(origin, lambda: RedfishAccount("admin", password), basic)
        document = await client.get(path)
        await client.close()
        await service.left.wait()
    assert document == {"@odata.id": path, "Power": 301, "Of": "Chassis"}
    gets = [f"GET {path}", f"GET {path}/"]
    session = [] if basic else [f"DELETE {SESSIONS}/admin0001"]
    wanted = gets + session
    assert service.heard[-len(wanted) :] == wanted
