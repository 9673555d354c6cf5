"""A session that a service has lost, in each way in which services say so, and how often we log in.

The peer is a server of raw bytes: what it sends is what was seen of devices, cut where they cut it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from yarl import URL

from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import Origin, StatusError
from rackwatt_exporter.protocols.redfish.login import RedfishAccount
from rackwatt_exporter.protocols.redfish.token import (
    FIRST_WAIT_S,
    RECONSIDERED_AFTER_S,
    SHORT_SESSION_S,
    SHORT_SESSIONS,
)
from rackwatt_exporter.reading import ReadError, Reason

LOOPS = ("attended",)

POWER, SYSTEM = "/redfish/v1/Chassis/1/Power", "/redfish/v1/Systems/1"
MISSING = "/redfish/v1/Chassis/1/EnvironmentMetrics"
SESSIONS = "/redfish/v1/SessionService/Sessions"
NO_SESSION = b'{"error": {"code": "Base.1.8.NoValidSession"}}'
RESOURCE = b'{"@odata.id": "/redfish/v1/any", "watts": 301}'
DOCUMENT = {"@odata.id": "/redfish/v1/any", "watts": 301}
HTML = b"<html><body>Please log in</body></html>"
CUT_401 = b"HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n<html><head><title>401"


def answer(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", *headers]
    head = "".join(f"{line}\r\n" for line in (*lines, f"Content-Length: {len(body)}"))
    return f"{head}\r\n".encode() + body


class Forgetful:
    """A service whose sessions can be lost; `refusal` is what it then sends before it hangs up.

    It takes no Basic unless a test says so.
    """

    def __init__(self) -> None:
        self.port = 0
        self.tokens: set[bytes] = set()
        self.logins = 0
        self.deleted = 0
        self.refusal = answer(401)
        self.hangs_up = True
        self.stubborn = False
        self.rotates = False
        self.takes_basic = False
        self.resource = RESOURCE
        self.missing: set[bytes] = set()
        self.absent = answer(404)
        self.no_login: bytes | None = None  # its response instead of a session
        self.basic_now: bytes | None = None  # its response to Basic
        self.lasts: int | None = None  # requests of one session
        self.uses: int | None = None  # those left

    def forget(self) -> None:
        self.tokens.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                sent = self.said(head)
                if head.startswith(b"POST"):
                    await reader.readexactly(int(header(head, b"Content-Length")))
                writer.write(sent)
                if sent is self.refusal and self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    def said(self, head: bytes) -> bytes:
        method, path, _ = head.split(b" ", 2)
        token = header(head, b"X-Auth-Token")
        if path == b"/redfish/v1/":
            return answer(200, b'{"RedfishVersion": "1.6.0"}')
        if method == b"POST":
            self.logins += 1
            if self.no_login:
                return self.no_login
            self.uses = self.lasts
            return self.opened(201, b"{}")
        if self.takes_basic and header(head, b"Authorization").startswith(b"Basic "):
            if self.basic_now:
                return self.basic_now
            return self.absent if path in self.missing else answer(200, self.resource)
        if token not in self.tokens or not self.outlives_a_request():
            return self.refusal
        if method == b"DELETE":
            self.tokens.discard(token)
            self.deleted += 1
            return answer(200)
        if self.stubborn:
            return self.refusal
        if path in self.missing:
            return self.absent
        if self.rotates:
            self.tokens.discard(token)
            return self.opened(200, self.resource)
        return answer(200, self.resource)

    def outlives_a_request(self) -> bool:
        if self.uses is None:
            return True
        self.uses -= 1
        return self.uses >= 0

    def opened(self, status: int, body: bytes) -> bytes:
        token = f"t{self.logins}{len(self.tokens)}{id(body)}{self.deleted}"
        self.tokens.add(token.encode())
        return answer(status, body, f"X-Auth-Token: {token}", f"Location: {SESSIONS}/{token}")


class Clock:
    now_s = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in ("client", "login"):
        name = f"rackwatt_exporter.protocols.redfish.{module}.now_s"
        monkeypatch.setattr(name, lambda: made.now_s)
    return made


def header(head: bytes, name: bytes) -> bytes:
    lines = (line.partition(b": ") for line in head.split(b"\r\n"))
    return next((value for key, _, value in lines if key == name), b"")


@pytest.fixture
async def peer() -> AsyncIterator[Forgetful]:
    service = Forgetful()
    async with await asyncio.start_server(service.serve, "127.0.0.1", 0) as server:
        service.port = server.sockets[0].getsockname()[1]
        yield service


@asynccontextmanager
async def logged_in(peer: Forgetful) -> AsyncIterator[RedfishClient]:
    """Return a service that has read both resources once."""
    url = URL(f"http://127.0.0.1:{peer.port}/")
    origin = Origin(url, ssl.create_default_context, None)
    service = RedfishClient(origin, lambda: RedfishAccount("admin", "secret"))
    for path in (POWER, SYSTEM):
        await service.get(path)
    try:
        yield service
    finally:
        await service.close()


LOST = {
    "401": answer(401, NO_SESSION),
    "401 chunked and cut": CUT_401,
    "401 with less than its length": answer(401, HTML)[:-5],
    "401 without a body, closed": b"HTTP/1.1 401 X\r\nConnection: close\r\n\r\n",
    "401 as HTTP/1.0 has it": b"HTTP/1.0 401 Unauthorized\r\n\r\n<html>",
    "401 with a broken chunk": b"HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "401 with a broken gzip": answer(401, b"xxxx", "Content-Encoding: gzip"),
    "400 of no session": answer(400, NO_SESSION),
    "400": answer(400),
    "403": answer(403),
    "403 cut": answer(403, HTML)[:-1],
    "404": answer(404),
    "500": answer(500, b"Internal Error"),
    "503": answer(503),
    "302 to the login page": answer(302, b"", "Location: /login.html"),
    "302 to the sessions": answer(302, b"", "Location: /redfish/v1/SessionService"),
    "200 with a login page": answer(200, HTML, "Content-Type: text/html"),
    "200 with an error": answer(200, NO_SESSION),
    "200 with an empty object": answer(200),
    "200 with an object of its own": answer(200, b'{"success": false, "Message": "log in"}'),
    "closed without a response": b"",
    "garbage": b"\r\nno HTTP at all\r\n\r\n",
}


@pytest.mark.parametrize("refusal", LOST.values(), ids=LOST)
async def test_a_lost_session_is_opened_again_however_that_is_said(
    peer: Forgetful, refusal: bytes, clock: Clock
) -> None:
    async with logged_in(peer) as service:
        for _ in range(2):
            clock.now_s += 2 * SHORT_SESSION_S
            peer.refusal = refusal
            peer.forget()
            assert await service.get(POWER) == DOCUMENT
            assert await service.get(SYSTEM) == DOCUMENT
        assert peer.logins == 3
        assert len(peer.tokens) == 1


@pytest.mark.parametrize("refusal", LOST.values(), ids=LOST)
async def test_sessions_that_do_not_last_are_replaced_by_basic_where_that_is_taken(
    peer: Forgetful, refusal: bytes
) -> None:
    async with logged_in(peer) as service:
        peer.refusal, peer.takes_basic = refusal, True
        for _ in range(4):
            peer.forget()
            assert await service.get(POWER) == DOCUMENT
        assert service.authorized_by == "Basic with each request"
        assert peer.logins == SHORT_SESSIONS


@pytest.mark.parametrize("refusal", LOST.values(), ids=LOST)
async def test_a_service_that_takes_no_basic_gets_sessions_again_after_one_failed_reading(
    peer: Forgetful, refusal: bytes, clock: Clock
) -> None:
    async with logged_in(peer) as service:
        peer.refusal = refusal
        peer.forget()
        assert await service.get(POWER) == DOCUMENT
        peer.forget()
        with pytest.raises(ReadError):
            await service.get(POWER)
        for _ in range(3):
            assert await service.get(POWER) == DOCUMENT
            peer.forget()
            clock.now_s += FIRST_WAIT_S
        assert service.authorized_by == "Redfish session"
        assert peer.logins == 5


async def test_a_refusal_whose_body_never_comes_counts_by_its_status(
    peer: Forgetful, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rackwatt_exporter.protocols.http.connection.REFUSAL_GRACE_S", 0.01)
    peer.refusal, peer.hangs_up = answer(401, HTML)[:-5], False
    async with logged_in(peer) as service:
        peer.forget()
        assert await service.get(POWER) == DOCUMENT
        assert peer.logins == 2


@pytest.mark.parametrize("refusal", LOST.values(), ids=LOST)
async def test_a_service_that_refuses_every_token_is_not_logged_in_to_at_each_reading(
    peer: Forgetful, refusal: bytes, clock: Clock
) -> None:
    async with logged_in(peer) as service:
        peer.refusal, peer.stubborn = refusal, True
        for step in range(360):  # an hour of readings
            clock.now_s = step * 10.0
            with suppress(ReadError):
                assert await service.get((POWER, SYSTEM)[step % 2]) != DOCUMENT
        assert 2 <= peer.logins <= 8
        assert len(peer.tokens) == 1
        peer.stubborn = False
        assert await service.get(POWER) == DOCUMENT


async def test_an_object_that_is_no_resource_is_one_failed_reading_and_then_what_there_is(
    peer: Forgetful,
) -> None:
    """A service may have changed: the search for watts has to be able to go on."""
    async with logged_in(peer) as service:
        peer.refusal, peer.stubborn = answer(200), True
        with pytest.raises(ReadError, match="not the resource that it was") as caught:
            await service.get(POWER)
        assert caught.value.reason is Reason.BAD_REPLY
        for _ in range(5):
            assert await service.get(POWER) == {}
        assert peer.logins == 2


@pytest.mark.parametrize("refusal", [how for how in LOST if how.startswith("200")])
async def test_a_lost_session_is_opened_again_where_resources_have_no_identifier(
    peer: Forgetful, refusal: str, clock: Clock
) -> None:
    peer.resource = b'{"Watts": 301}'
    async with logged_in(peer) as service:
        for login in (2, 3):
            clock.now_s += 2 * SHORT_SESSION_S
            peer.refusal = LOST[refusal]
            peer.forget()
            assert await service.get(POWER) == {"Watts": 301}
            assert peer.logins == login


async def test_a_resource_that_has_an_identifier_by_now_costs_no_login(peer: Forgetful) -> None:
    peer.resource = b'{"Watts": 301}'
    async with logged_in(peer) as service:
        peer.resource = RESOURCE
        assert await service.get(POWER) == DOCUMENT
        assert peer.logins == 1


async def test_a_resource_that_had_no_property_yet_costs_no_login(peer: Forgetful) -> None:
    peer.missing, peer.absent = {MISSING.encode()}, answer(200)
    async with logged_in(peer) as service:
        for body in (b"{}", b'{"watts": 5}', b'{"watts": 6, "more": 7}', b'{"watts": 5}'):
            peer.absent = answer(200, body)
            await service.get(MISSING)
        assert peer.logins == 1


async def test_resources_without_identifiers_cost_no_login(peer: Forgetful) -> None:
    peer.missing, peer.absent = {MISSING.encode()}, answer(200, b'{"watts": 5}')
    async with logged_in(peer) as service:
        for _ in range(5):
            assert await service.get(MISSING) == {"watts": 5}
        assert peer.logins == 1


@pytest.mark.parametrize("status", [302, 403, 500])
async def test_a_token_that_a_service_echoes_is_in_no_message(peer: Forgetful, status: int) -> None:
    async with logged_in(peer) as service:
        (token,) = (each.decode() for each in peer.tokens)
        said = f'{{"error": {{"message": "no {token} here"}}}}'.encode()
        peer.stubborn = True
        peer.refusal = answer(status, said, f"Location: /login?token={token}")
        with pytest.raises(ReadError, match="redacted") as caught:
            await service.get(MISSING)
        assert token not in str(caught.value)


async def test_a_resource_that_was_never_there_costs_no_login(peer: Forgetful) -> None:
    peer.missing = {b"/redfish/v1/%d" % number for number in range(2)}
    async with logged_in(peer) as service:
        for number in range(2):
            with pytest.raises(ReadError):
                await service.get(f"/redfish/v1/{number}")
        assert peer.logins == 1


async def test_a_resource_that_is_gone_costs_one_login_and_leaves_no_session(
    peer: Forgetful,
) -> None:
    async with logged_in(peer) as service:
        peer.missing = {POWER.encode()}
        for _ in range(5):
            with pytest.raises(ReadError):
                await service.get(POWER)
            assert await service.get(SYSTEM) == DOCUMENT
        assert peer.logins == 2
        assert peer.deleted == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
async def test_basic_that_a_service_is_too_busy_for_is_not_refused_for_good(
    peer: Forgetful, status: int, clock: Clock
) -> None:
    async with logged_in(peer) as service:
        peer.takes_basic, peer.basic_now = True, answer(status)
        peer.forget()
        assert await service.get(POWER) == DOCUMENT
        peer.forget()
        with pytest.raises(StatusError):
            await service.get(POWER)
        peer.basic_now = None
        clock.now_s += FIRST_WAIT_S
        for _ in range(4):
            assert await service.get(POWER) == DOCUMENT
            peer.forget()
        assert service.authorized_by == "Basic with each request"


async def test_basic_that_a_service_refused_is_tried_again_after_an_hour(
    peer: Forgetful, clock: Clock
) -> None:
    async with logged_in(peer) as service:
        for _ in range(2):
            peer.forget()
            with suppress(ReadError):
                await service.get(POWER)
        peer.takes_basic = True
        clock.now_s += FIRST_WAIT_S
        for _ in range(6):
            assert await service.get(POWER) == DOCUMENT
            peer.forget()
        assert service.authorized_by == "Redfish session"
        clock.now_s += RECONSIDERED_AFTER_S
        for _ in range(3):
            assert await service.get(POWER) == DOCUMENT
            peer.forget()
        assert service.authorized_by == "Basic with each request"


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_service_without_sessions_is_logged_in_to_again_after_an_hour(
    peer: Forgetful, status: int, clock: Clock
) -> None:
    peer.takes_basic, peer.no_login = True, answer(status)
    async with logged_in(peer) as service:
        assert (service.authorized_by, peer.logins) == ("Basic with each request", 2)
        peer.no_login = None
        clock.now_s += RECONSIDERED_AFTER_S - 1
        assert await service.get(POWER) == DOCUMENT
        assert peer.logins == 2
        clock.now_s += 1
        for _ in range(2):
            assert await service.get(POWER) == DOCUMENT
        assert (service.authorized_by, peer.logins) == ("Redfish session", 3)


@pytest.mark.parametrize("no_login", [answer(500), answer(503), answer(404), answer(429)])
async def test_basic_is_used_on_where_a_log_in_after_an_hour_fails(
    peer: Forgetful, no_login: bytes, clock: Clock
) -> None:
    peer.takes_basic, peer.no_login = True, answer(404)
    async with logged_in(peer) as service:
        peer.no_login = no_login
        logins = []
        for _ in range(3):
            clock.now_s += RECONSIDERED_AFTER_S / 2
            assert await service.get(POWER) == DOCUMENT
            logins.append(peer.logins)
        assert service.authorized_by == "Basic with each request"
        assert logins[0] < logins[1] == logins[2]


async def test_a_password_that_is_refused_after_an_hour_is_not_sent_by_basic(
    peer: Forgetful, clock: Clock
) -> None:
    peer.takes_basic, peer.no_login = True, answer(404)
    async with logged_in(peer) as service:
        peer.no_login = answer(401)
        clock.now_s += RECONSIDERED_AFTER_S
        with pytest.raises(ReadError) as caught:
            await service.get(POWER)
        assert caught.value.reason is Reason.AUTH_FAILED


ABSENT = {
    "a Redfish error": answer(404, b'{"error": {"code": "Base.1.8.ResourceMissingAtURI"}}'),
    "a page": answer(404, HTML, "Content-Type: text/html"),
    "a challenge": answer(404, b"", "WWW-Authenticate: Basic", "Connection: close"),
}


@pytest.mark.parametrize("absent", ABSENT.values(), ids=ABSENT)
@pytest.mark.parametrize("lasts", [1, 2, 3, 4])
async def test_a_resource_that_was_never_there_does_not_refuse_basic(
    peer: Forgetful, absent: bytes, lasts: int
) -> None:
    peer.missing, peer.absent, peer.takes_basic = {MISSING.encode()}, absent, True
    async with logged_in(peer) as service:
        peer.uses = peer.lasts = lasts
        for _ in range(20):
            with pytest.raises(ReadError, match="404"):
                await service.get(MISSING)
            assert await service.get(POWER) == DOCUMENT
            assert await service.get(SYSTEM) == DOCUMENT
        assert service.authorized_by == "Basic with each request"
        assert peer.logins == SHORT_SESSIONS


@pytest.mark.parametrize("absent", ABSENT.values(), ids=ABSENT)
async def test_a_resource_that_is_gone_does_not_refuse_basic_for_good(
    peer: Forgetful, absent: bytes, clock: Clock
) -> None:
    peer.absent, peer.takes_basic = absent, True
    async with logged_in(peer) as service:
        for path in (POWER, SYSTEM):
            peer.forget()
            peer.missing = {path.encode()} if path == SYSTEM else set()
            with suppress(StatusError):
                await service.get(path)
            assert await service.get(POWER) == DOCUMENT
        for _ in range(10):
            peer.forget()
            assert await service.get(POWER) == DOCUMENT
        assert service.authorized_by == "Basic with each request"
        assert peer.logins <= 2 * SHORT_SESSIONS


@pytest.mark.parametrize("absent", ABSENT.values(), ids=ABSENT)
async def test_a_resource_that_was_never_there_does_not_refuse_a_new_session(
    peer: Forgetful, absent: bytes, clock: Clock
) -> None:
    peer.missing, peer.absent = {MISSING.encode()}, absent
    async with logged_in(peer) as service:
        for path, after_s in ((MISSING, 2 * SHORT_SESSION_S), (POWER, FIRST_WAIT_S / 2)):
            clock.now_s += after_s
            peer.forget()
            with suppress(StatusError):
                await service.get(path)
            assert await service.get(POWER) == DOCUMENT
        assert peer.logins == 3


async def test_a_session_lost_before_a_search_is_found_out_within_a_few_requests(
    peer: Forgetful,
) -> None:
    async with logged_in(peer) as service:
        peer.refusal = answer(400)
        peer.forget()
        for number in range(2):
            with pytest.raises(ReadError):
                await service.get(f"/redfish/v1/{number}")
        assert await service.get("/redfish/v1/2") == DOCUMENT
        assert peer.logins == 2


async def test_a_token_given_with_an_answer_replaces_the_one_before(peer: Forgetful) -> None:
    async with logged_in(peer) as service:
        peer.rotates = True
        for _ in range(4):
            assert await service.get(POWER) == DOCUMENT
        assert peer.logins == 1


async def test_a_new_session_that_is_refused_is_no_wrong_password(peer: Forgetful) -> None:
    async with logged_in(peer) as service:
        peer.stubborn = True
        with pytest.raises(ReadError, match="accepts the log-in and then refuses") as caught:
            await service.get(POWER)
    assert caught.value.reason is Reason.AUTH_FAILED
    assert "role" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            answer(400, b'{"error": {"message": "Bad\\u001b[2J day"}}'),
            "400 Bad Request .*Bad�.2J day",
        ),
        (answer(302, b"", "Location: /login"), "302 Found .*: to /login"),
        (answer(503, b'{"error": {"code": "Base.1.0.Busy"}}'), "503 .*: Base.1.0.Busy"),
    ],
)
async def test_the_words_of_a_refusal_are_in_the_message(
    peer: Forgetful, refusal: bytes, message: str
) -> None:
    async with logged_in(peer) as service:
        peer.refusal, peer.stubborn = refusal, True
        with pytest.raises(ReadError, match=message):
            await service.get(POWER)


async def test_a_cut_success_is_a_bad_reply(peer: Forgetful) -> None:
    async with logged_in(peer) as service:
        peer.refusal, peer.stubborn = answer(200, RESOURCE)[:-3], True
        with pytest.raises(ReadError, match="ended within the response") as caught:
            await service.get(POWER)
    assert caught.value.reason is Reason.BAD_REPLY
