"""A log-in that a service refuses in any way: its own error, at once, after one password.

The peer is a server of raw HTTP: it answers the log-in with any status, headers and body.
"""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.secrets import MissingSecretError, Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.protocols.redfish.login import NO_SESSIONS_HERE, SESSIONS
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from tests.exporter.targets.redfish.fleet import error_of, target_at, write_secrets

LOOPS = ("uvloop",)

SESSION = f"Location: {SESSIONS}/7"
JSON = "Content-Type: application/json"
HTML = "Content-Type: text/html"
WORDS = b'{"error": {"message": "Something went wrong"}}'


class Answer(NamedTuple):
    """Status, headers and body of a response."""

    status: int
    headers: tuple[str, ...] = (JSON,)
    body: bytes = b"{}"

    def __bytes__(self) -> bytes:
        length = f"Content-Length: {len(self.body)}"
        lines = (f"HTTP/1.1 {self.status} X", *self.headers, length, "", "")
        return "\r\n".join(lines).encode() + self.body


class Request(NamedTuple):
    """Method and path of a request, and whether it has the password."""

    method: str
    path: str
    password: bool


class Service:
    """A service with one answer to each log-in and one to each resource."""

    def __init__(self) -> None:
        self.port = 0
        self.root = Answer(200, body=b'{"RedfishVersion": "1.6.0"}')
        self.login = Answer(401)
        self.next_login: Answer | None = None
        self.resources: dict[str, Answer] = {}
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self.choose: Callable[[], Answer] | None = None

    def target(self) -> Target:
        return target_at("127.0.0.1", self.port, scheme="http")

    def sent(self, method: str) -> list[str]:
        return [each.path for each in self.requests if each.method == method]

    @property
    def passwords(self) -> list[str]:
        return [each.path for each in self.requests if each.password]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, path, _ = head.decode().split(" ", 2)
                if method == "POST":
                    length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
                    await reader.readexactly(int(length))
                password = method == "POST" or b"Authorization: Basic" in head
                self.requests.append(Request(method, path, password))
                answers = {**self.resources, "/redfish/v1/": self.root}
                opened = answers.get(path, Answer(404))
                answer = self.login if method == "POST" else opened
                if self.choose and path != "/redfish/v1/":
                    answer = self.choose()
                self.answers.append(answer)
                writer.write(bytes(answer))
                if method == "POST" and self.next_login:
                    self.login = self.next_login
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[RedfishDriver]:
    made = RedfishDriver(Secrets(write_secrets(tmp_path)))
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("login", "reason", "message"),
    [
        (Answer(500, body=WORDS), Reason.BAD_REPLY, "500 .*: Something went wrong"),
        (Answer(500, (HTML,), b"<html>"), Reason.BAD_REPLY, "500 .*text/html"),
        (Answer(400, body=WORDS), Reason.BAD_REPLY, "400 .*: Something went wrong"),
        (Answer(400, body=b"UnauthorizedLoginAttempt"), Reason.AUTH_FAILED, "user name"),
        (Answer(403, body=WORDS), Reason.PRIVILEGE_INSUFFICIENT, "403 .*: Something went"),
        (Answer(403, (), b""), Reason.PRIVILEGE_INSUFFICIENT, "403 .*no content type"),
        (Answer(503, ("Retry-After: 5",)), Reason.BAD_REPLY, "503"),
        (Answer(429), Reason.BAD_REPLY, "429"),
        (Answer(401), Reason.AUTH_FAILED, "user name"),
    ],
)
async def test_a_refused_login_is_its_own_error_after_one_password(
    service: Service, driver: RedfishDriver, login: Answer, reason: Reason, message: str
) -> None:
    service.login = login
    for _ in range(2):
        service.requests.clear()
        error = await error_of(driver, service.target())
        assert error.reason is reason
        assert re.search(message, str(error))
        assert service.passwords == [SESSIONS]


@pytest.mark.parametrize(
    ("credentials", "ca", "secret", "key"),
    [("none", None, "none", "username"), ("bmc", "none", "none", "ca.crt")],
)
async def test_a_missing_secret_is_reported_by_its_name_and_key(
    service: Service,
    driver: RedfishDriver,
    credentials: str,
    ca: str | None,
    secret: str,
    key: str,
) -> None:
    """The status of a resource names it: a log-in without it never began."""
    options = {"scheme": "https", "tls": TlsOptions(ca_secret=ca)} if ca else {"scheme": "http"}
    target = target_at("127.0.0.1", service.port, **options)
    error = await error_of(driver, replace(target, credentials=credentials))
    assert isinstance(error, MissingSecretError)
    assert (error.secret, error.key) == (secret, key)
    assert service.passwords == []


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_a_login_refused_amid_a_search_ends_the_try(
    service: Service, driver: RedfishDriver, status: int
) -> None:
    """The session is lost at the sensor of a supply, which the search has found already."""
    chassis = "/redfish/v1/Chassis/1"
    supplies = f"{chassis}/PowerSubsystem/PowerSupplies"
    metrics = {"InputPowerWatts": {"DataSourceUri": f"{chassis}/Sensors/PSU1"}}
    documents: dict[str, dict[str, Any]] = {
        "/redfish/v1/Chassis": {"Members": [{"@odata.id": chassis}]},
        chassis: {"Id": "1", "ChassisType": "RackMount"},
        f"{chassis}/PowerSubsystem": {"PowerSupplies": {"@odata.id": supplies}},
        supplies: {"Members": [{"@odata.id": f"{supplies}/1"}]},
        f"{supplies}/1": {"Name": "PSU1"},
        f"{supplies}/1/Metrics": metrics,
    }
    service.resources = {
        path: Answer(200, body=json.dumps({"@odata.id": path, **document}).encode())
        for path, document in documents.items()
    }
    service.resources[f"{chassis}/Sensors/PSU1"] = Answer(401)
    service.login = Answer(201, (SESSION, "X-Auth-Token: t1"))
    service.next_login = Answer(status, body=WORDS)
    error = await error_of(driver, service.target())
    assert f"the log-in gives {status}" in str(error)
    assert service.passwords == [SESSIONS, SESSIONS]


@pytest.mark.parametrize(
    "root", [Answer(500), Answer(503, (HTML,), b"busy"), Answer(502, body=WORDS)]
)
async def test_a_root_that_fails_is_its_own_error_and_requested_once(
    service: Service, driver: RedfishDriver, root: Answer
) -> None:
    service.root = root
    error = await error_of(driver, service.target())
    assert error.reason is Reason.BAD_REPLY
    assert str(error).startswith(f"/redfish/v1/ gives {root.status}")
    assert [each.path for each in service.requests] == ["/redfish/v1/"]


NO_TOKEN = {
    "200": Answer(200),
    "201 with a token in the body": Answer(201, body=b'{"Token": "t0"}'),
    "201 with an empty token": Answer(201, (JSON, "X-Auth-Token: ")),
    "204": Answer(204, (), b""),
    "200 with a page": Answer(200, (HTML, "Location: /index.html"), b"<html>"),
    "201 of the whole collection": Answer(201, body=b'{"@odata.id": "%s"}' % SESSIONS.encode()),
}


@pytest.mark.parametrize("login", NO_TOKEN.values(), ids=NO_TOKEN)
async def test_a_login_without_a_token_is_a_bad_reply_that_names_the_header(
    service: Service, driver: RedfishDriver, login: Answer
) -> None:
    service.login = login
    error = await error_of(driver, service.target())
    assert error.reason is Reason.BAD_REPLY
    assert f"the log-in gives {login.status}" in str(error)
    assert "without the header X-Auth-Token" in str(error)
    assert "redfish.auth: basic" in (error.remedy or "")
    assert service.passwords == [SESSIONS]


NO_TOKEN_BUT_A_SESSION = {
    "path": Answer(201, (JSON, SESSION)),
    "URL of another host": Answer(200, (f"Location: http://10.0.0.9{SESSIONS}/7",)),
    "body": Answer(201, body=b'{"@odata.id": "%s/7"}' % SESSIONS.encode()),
}


@pytest.mark.parametrize("login", NO_TOKEN_BUT_A_SESSION.values(), ids=NO_TOKEN_BUT_A_SESSION)
async def test_a_session_without_a_token_is_ended(
    service: Service, driver: RedfishDriver, login: Answer
) -> None:
    service.login = login
    error = await error_of(driver, service.target())
    assert "without the header X-Auth-Token" in str(error)
    assert service.sent("DELETE") == [f"{SESSIONS}/7"]
    assert service.sent("POST") == [SESSIONS]


ROOTS = [f"/redfish/v1/{name}" for name in ("Systems", "Chassis", "PowerEquipment")]
SHAPES = [
    ((JSON,), b"{}"),
    ((HTML,), b"<html>Unauthorized</html>"),
    ((JSON, "WWW-Authenticate: Basic", "Connection: close"), WORDS),
    ((), b""),
]


async def test_a_refused_password_is_sent_once_whatever_the_status_is(
    service: Service, driver: RedfishDriver
) -> None:
    refusals = set(range(200, 600)) - set(NO_SESSIONS_HERE)
    for status, shape in product(sorted(refusals), SHAPES):
        service.login = Answer(status, *shape)
        service.requests.clear()
        error = await error_of(driver, service.target())
        assert error.reason in (
            Reason.AUTH_FAILED,
            Reason.BAD_REPLY,
            Reason.PRIVILEGE_INSUFFICIENT,
        ), status
        assert service.passwords == [SESSIONS], status


async def test_one_password_opens_a_session_whatever_the_status_of_every_resource_is(
    service: Service, driver: RedfishDriver
) -> None:
    service.login = Answer(201, (SESSION, "X-Auth-Token: t1"))
    for status, shape in product(range(200, 600, 3), SHAPES):
        service.resources = dict.fromkeys(ROOTS, Answer(status, *shape))
        service.requests.clear()
        await error_of(driver, service.target())
        assert service.passwords == [SESSIONS], status


ANYTHING = (
    Answer(201, (JSON, SESSION, "X-Auth-Token: t1"), b'{"Members": []}'),
    Answer(200, body=b'{"Members": [{"@odata.id": "/redfish/v1/Chassis/1"}]}'),
    Answer(200, (HTML,), b"<html>"),
    Answer(302, ("Location: /login.html",)),
    Answer(401),
    *(Answer(status, body=WORDS) for status in (400, 403, 404, 500, 503)),
)


@pytest.mark.parametrize("seed", range(8))
async def test_a_refused_password_is_the_last_of_its_try_in_any_course_of_answers(
    service: Service, driver: RedfishDriver, seed: int
) -> None:
    chance, refused = random.Random(seed), 0
    service.choose = lambda: chance.choice(ANYTHING)
    source = driver.source(service.target())
    for _ in range(50):
        service.requests.clear()
        service.answers.clear()
        with suppress(ReadError):
            await source.read()
        course = list(zip(service.requests, service.answers, strict=True))
        refusals = [at for at, each in enumerate(course) if _refuses_login(*each)]
        refused += len(refusals)
        assert not any(request.password for at in refusals for request, _ in course[at + 1 :])
    assert refused
    await source.close()


def _refuses_login(request: Request, answer: Answer) -> bool:
    return request.method == "POST" and answer.status not in (200, 201, *NO_SESSIONS_HERE)


REDIRECTS = {
    "a page": Answer(302, (HTML, "Location: /login.html"), b"<html>"),
    "a page for good": Answer(308, ("Location: /redfish/v1/login",)),
    "the old place": Answer(307, ("Location: /redfish/v1/Sessions",)),
    "a query": Answer(303, (f"Location: {SESSIONS}?next=/",)),
    "itself": Answer(301, (f"Location: {SESSIONS}",)),
    "a relative page": Answer(302, ("Location: login.html",)),
}


@pytest.mark.parametrize("login", REDIRECTS.values(), ids=REDIRECTS)
async def test_a_redirect_of_a_login_gets_no_password_and_is_named(
    service: Service, driver: RedfishDriver, login: Answer
) -> None:
    service.login = login
    error = await error_of(driver, service.target())
    location = login.headers[-1].removeprefix("Location: ")
    assert error.reason is Reason.BAD_REPLY
    assert re.search(rf"the log-in gives {login.status} .*to {re.escape(location)}$", str(error))
    assert service.passwords == [SESSIONS]


@pytest.mark.parametrize("status", [300, 304, 302])
async def test_a_redirect_of_a_login_to_nowhere_is_named(
    service: Service, driver: RedfishDriver, status: int
) -> None:
    service.login = Answer(status, (HTML,), b"")
    error = await error_of(driver, service.target())
    assert f"the log-in gives {status}" in str(error)
    assert "to nowhere" in str(error)
    assert service.passwords == [SESSIONS]


@pytest.mark.parametrize("elsewhere", ["https://127.0.0.1/", "http://192.0.2.1/x", "http://["])
async def test_a_redirect_of_a_login_out_of_the_service_gets_no_password(
    service: Service, driver: RedfishDriver, elsewhere: str
) -> None:
    service.login = Answer(302, (f"Location: {elsewhere}",))
    error = await error_of(driver, service.target())
    assert error.reason is Reason.BAD_REPLY
    assert f"{SESSIONS} is redirected to" in str(error)
    assert service.passwords == [SESSIONS]


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_redirect_of_a_login_by_a_slash_is_followed_once(
    service: Service, driver: RedfishDriver, status: int
) -> None:
    service.login = Answer(status, (f"Location: {SESSIONS}/",))
    service.next_login = Answer(401)
    assert (await error_of(driver, service.target())).reason is Reason.AUTH_FAILED
    assert service.passwords == [SESSIONS, f"{SESSIONS}/"]
