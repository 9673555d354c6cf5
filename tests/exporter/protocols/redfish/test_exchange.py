"""An HTTP answer that may be anything, and a service that closes kept connections."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from rackwatt_exporter.protocols.redfish.exchange import Origin, RedfishResponse
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
