"""Logging in to Redfish, and what is not Redfish: against the real sushy-emulator over TLS."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.lookup import UnfinishedError
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from tests.eventually import PATIENCE_S
from tests.exporter.targets.redfish import shapes as shapes
from tests.exporter.targets.redfish.fleet import (
    error_of,
    reason_of,
    target_at,
    target_of,
    write_secrets,
)
from tests.peers.sushy import PASSWORD, Sushy, sushy

LOOPS = ("uvloop",)

SESSIONS = "/redfish/v1/SessionService/Sessions"
OLD_SESSIONS = "/redfish/v1/Sessions"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sushy]:
    with sushy(tmp_path_factory.mktemp("sushy")) as running:
        yield running


@pytest.fixture
def peer(emulator: Sushy) -> Sushy:
    emulator.as_new()
    emulator.configure(routes=shapes.environment(374.0))
    return emulator


@pytest.fixture
async def driver(
    peer: Sushy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RedfishDriver]:
    monkeypatch.setattr("rackwatt_exporter.protocols.redfish.login.CLOSE_TIMEOUT_S", PATIENCE_S)
    made = RedfishDriver(Secrets(write_secrets(tmp_path, peer.authority)))
    yield made
    await made.close()


def logins(peer: Sushy) -> list[str]:
    return [each for each in peer.requests() if each.startswith("POST")]


async def test_a_session_is_deleted_on_close(peer: Sushy, driver: RedfishDriver) -> None:
    source = driver.source(target_of(peer))
    await source.read()
    assert peer.seen()["sessions"] == 1
    await source.close()
    assert peer.seen()["sessions"] == 0
    assert peer.requests()[-1].startswith(f"DELETE {SESSIONS}/")


async def test_a_service_without_sessions_is_read_with_basic_from_then_on(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(sessions="none")
    source = driver.source(target_of(peer))
    for _ in range(2):
        assert (await source.read()).watts == 374
    assert logins(peer) == [f"POST {SESSIONS}", f"POST {OLD_SESSIONS}"]
    await source.close()


async def test_an_old_service_has_its_sessions_elsewhere(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(sessions="old")
    source = driver.source(target_of(peer))
    await source.read()
    assert logins(peer) == [f"POST {SESSIONS}", f"POST {OLD_SESSIONS}"]
    await source.close()
    assert peer.seen()["sessions"] == 0


async def test_the_root_may_say_where_sessions_are(peer: Sushy, driver: RedfishDriver) -> None:
    root = {"RedfishVersion": "1.4.0", "Links": {"Sessions": shapes.link(OLD_SESSIONS)}}
    peer.configure(routes={"/redfish/v1": root})
    source = driver.source(target_of(peer))
    await source.read()
    assert logins(peer) == [f"POST {OLD_SESSIONS}"]
    await source.close()


async def test_auth_basic_never_logs_in(peer: Sushy, driver: RedfishDriver) -> None:
    source = driver.source(target_of(peer, auth="basic"))
    await source.read()
    assert logins(peer) == []
    await source.close()


async def test_rac0218_at_the_login_falls_back_to_basic(peer: Sushy, driver: RedfishDriver) -> None:
    peer.configure(sessions="full")
    source = driver.source(target_of(peer))
    for _ in range(2):
        assert (await source.read()).watts == 374
    assert len(logins(peer)) == 1
    await source.close()


async def test_rac0218_for_basic_too_is_session_limit(peer: Sushy, driver: RedfishDriver) -> None:
    peer.configure(sessions="full for all")
    assert await reason_of(driver, target_of(peer)) is Reason.SESSION_LIMIT


@pytest.mark.parametrize("auth", ["session", "basic"])
async def test_a_wrong_password_is_auth_failed_and_tried_once(
    peer: Sushy, driver: RedfishDriver, auth: str
) -> None:
    peer.configure(password="another")
    try:
        error = await error_of(driver, target_of(peer, auth=auth))
        assert error.reason is Reason.AUTH_FAILED
        assert PASSWORD not in str(error)
        refused = [each for each in peer.requests() if each != "GET /redfish/v1/"]
        assert len(refused) == 1
    finally:
        peer.configure(password=PASSWORD)


async def test_a_session_the_bmc_forgot_is_opened_again(peer: Sushy, driver: RedfishDriver) -> None:
    source = driver.source(target_of(peer))
    await source.read()
    peer.configure(forget_sessions=True)
    assert (await source.read()).watts == 374
    assert len(logins(peer)) == 2
    await source.close()
    assert peer.seen()["sessions"] == 0


@pytest.mark.parametrize("auth", ["session", "basic"])
async def test_a_rotated_password_counts_from_the_next_login_on(
    peer: Sushy, driver: RedfishDriver, tmp_path: Path, auth: str
) -> None:
    source = driver.source(target_of(peer, auth=auth))
    await source.read()
    peer.configure(password="rotated", forget_sessions=True)
    try:
        (tmp_path / "secrets/bmc/password").write_text("rotated\n")
        assert (await source.read()).watts == 374
        await source.close()
    finally:
        peer.configure(password=PASSWORD)


async def test_a_missing_secret_is_credentials_missing(
    peer: Sushy, driver: RedfishDriver, tmp_path: Path
) -> None:
    (tmp_path / "secrets/bmc/password").unlink()
    error = await error_of(driver, target_of(peer))
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert "bmc/password" in str(error)


async def test_an_account_without_privilege_says_so(peer: Sushy, driver: RedfishDriver) -> None:
    forbidden = {"peer": {"status": 403, "body": {"error": {}}}}
    peer.configure(routes={shapes.ENVIRONMENT_PATH: forbidden, shapes.POWER_PATH: forbidden})
    assert await reason_of(driver, target_of(peer)) is Reason.PRIVILEGE_INSUFFICIENT


FORBIDDEN = {
    "an empty error": {"body": {"error": {}}},
    "a Redfish error": {"body": {"error": {"code": "Base.1.8.InsufficientPrivilege"}}},
    "a page": {"body": "<html>Forbidden</html>", "type": "text/html"},
    "no body": {"body": "", "headers": {"WWW-Authenticate": "Basic"}},
}
ROOTS = [f"/redfish/v1/{name}" for name in ("Systems", "Chassis", "PowerEquipment")]


@pytest.mark.parametrize("chassis", [None, "Chassis"])
@pytest.mark.parametrize("auth", ["session", "basic"])
@pytest.mark.parametrize("forbidden", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_an_account_that_may_read_nothing_is_privilege_insufficient(
    peer: Sushy,
    driver: RedfishDriver,
    forbidden: dict[str, Any],
    auth: str,
    chassis: str | None,
) -> None:
    answer = {"peer": {"status": 403, **forbidden}}
    peer.configure(routes=dict.fromkeys([*ROOTS, f"{ROOTS[1]}/Chassis"], answer))
    error = await error_of(driver, target_of(peer, auth=auth, chassis=chassis))
    assert error.reason is Reason.PRIVILEGE_INSUFFICIENT
    first = f"{ROOTS[1]}/Chassis" if chassis else ROOTS[0]
    assert str(error).startswith(f"{first} gives 403 Forbidden")
    assert "role" in (error.remedy or "")
    assert len(logins(peer)) == (1 if auth == "session" else 0)


async def test_an_account_that_is_given_the_privilege_later_is_read(
    peer: Sushy, driver: RedfishDriver
) -> None:
    answer = {"peer": {"status": 403, "body": {"error": {}}}}
    peer.configure(routes=dict.fromkeys(ROOTS, answer))
    source = driver.source(target_of(peer))
    for _ in range(3):
        with pytest.raises(ReadError) as caught:
            await source.read()
        assert caught.value.reason is Reason.PRIVILEGE_INSUFFICIENT
    peer.configure(as_new=True, routes=shapes.environment(374.0))
    with pytest.raises(UnfinishedError):  # a try sends four requests
        await source.read()
    assert (await source.read()).watts == 374
    await source.close()


async def test_a_certificate_that_does_not_verify_is_tls_failed_with_the_reason(
    peer: Sushy, driver: RedfishDriver, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "secrets/ca/ca.crt")
    error = await error_of(driver, target_of(peer))
    assert error.reason is Reason.TLS_FAILED
    assert "unable to get local issuer certificate" in str(error)
    assert peer.requests() == []


async def test_a_certificate_of_another_name_is_tls_failed(
    peer: Sushy, driver: RedfishDriver
) -> None:
    other = TlsOptions(ca_secret="ca", server_name="another.example")
    error = await error_of(driver, target_of(peer, tls=other))
    assert error.reason is Reason.TLS_FAILED
    assert "another.example" in str(error)


@pytest.mark.parametrize(
    "tls",
    [
        TlsOptions(ca_secret="ca", server_name="bmc.example"),
        TlsOptions(insecure_skip_verify=True),
    ],
)
async def test_a_certificate_may_be_verified_by_name_or_not_at_all(
    peer: Sushy, driver: RedfishDriver, tls: TlsOptions
) -> None:
    source = driver.source(target_of(peer, tls=tls))
    assert (await source.read()).watts == 374
    await source.close()


async def test_authorities_put_in_place_later_count(
    peer: Sushy, driver: RedfishDriver, tmp_path: Path
) -> None:
    path = tmp_path / "secrets/ca/ca.crt"
    trustme.CA().cert_pem.write_to_path(path)
    assert await reason_of(driver, target_of(peer)) is Reason.TLS_FAILED
    path.write_bytes(peer.authority.read_bytes())
    source = driver.source(target_of(peer))
    assert (await source.read()).watts == 374
    await source.close()


async def test_a_ca_crt_that_is_none_is_tls_failed(
    peer: Sushy, driver: RedfishDriver, tmp_path: Path
) -> None:
    (tmp_path / "secrets/ca/ca.crt").write_text("garbage")
    assert await reason_of(driver, target_of(peer)) is Reason.TLS_FAILED


HTML = {"status": 200, "type": "text/html", "body": "<html>It works!</html>"}


@pytest.mark.parametrize("answer", [HTML, {**HTML, "status": 404}, {"body": "[]"}, {"body": "{}"}])
async def test_what_is_not_redfish_is_an_error_before_a_password_is_sent(
    peer: Sushy, driver: RedfishDriver, answer: dict[str, Any]
) -> None:
    peer.configure(routes={"/redfish/v1": {"peer": answer}})
    error = await error_of(driver, target_of(peer))
    assert error.reason is Reason.BAD_REPLY
    assert "this is not a Redfish service" in str(error)
    assert logins(peer) == []


@pytest.mark.parametrize(
    "body", ["", "<html>", "[" * 100_000, "null", "{", '{"Reading": NaN}', "\0\xff" * 50]
)
async def test_a_resource_that_is_no_json_object_is_a_bad_reply(
    peer: Sushy, driver: RedfishDriver, body: str
) -> None:
    source = driver.source(target_of(peer))
    await source.read()
    peer.configure(routes={shapes.ENVIRONMENT_PATH: {"peer": {"body": body}}})
    assert await reason_of(driver, target_of(peer)) is Reason.BAD_REPLY
    await source.close()


async def test_a_body_without_end_is_a_bad_reply(peer: Sushy, driver: RedfishDriver) -> None:
    peer.configure(routes={"/redfish/v1/Systems": {"peer": {"body": " " * (5 * 1024 * 1024)}}})
    error = await error_of(driver, target_of(peer))
    assert error.reason is Reason.BAD_REPLY
    assert "larger than" in str(error)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        (f"{shapes.SYSTEM_PATH}/x", "without end"),
        ("https://127.0.0.2/redfish/v1/", "redfish.scheme and port"),
        ("http://127.0.0.1:99999999/", ""),
    ],
)
async def test_redirects_end_and_lead_nowhere_else(
    peer: Sushy, driver: RedfishDriver, location: str, message: str
) -> None:
    moved = {"peer": {"status": 302, "headers": {"Location": location}}}
    peer.configure(routes={"/redfish/v1/Systems": moved, f"{shapes.SYSTEM_PATH}/x": moved})
    error = await error_of(driver, target_of(peer))
    assert error.reason is Reason.BAD_REPLY
    assert message in str(error)


async def test_a_service_that_is_not_ready_is_a_bad_reply_with_its_status(
    peer: Sushy, driver: RedfishDriver
) -> None:
    starting = {"peer": {"status": 503, "body": "starting", "type": "text/plain"}}
    peer.configure(routes={shapes.ENVIRONMENT_PATH: starting, **shapes.power(344.0)})
    source = driver.source(target_of(peer))
    assert "503 Service Unavailable" in str(await error_of(driver, target_of(peer)))
    peer.configure(routes=shapes.environment(374.0))
    assert (await source.read()).watts == 374
    await source.close()


async def test_a_port_without_a_listener_is_connection_refused(
    peer: Sushy, driver: RedfishDriver
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        target = target_at("127.0.0.1", taken.getsockname()[1])
        assert await reason_of(driver, target) is Reason.CONNECTION_REFUSED


async def test_a_name_that_does_not_exist_is_name_unresolved(
    peer: Sushy, driver: RedfishDriver
) -> None:
    target = target_at("no-such-host.invalid", 443)
    assert await reason_of(driver, target) is Reason.NAME_UNRESOLVED


async def test_a_network_that_is_not_there_is_unreachable(
    peer: Sushy, driver: RedfishDriver
) -> None:
    assert await reason_of(driver, target_at("fe80::1", 443)) is Reason.UNREACHABLE


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 64])
async def test_a_port_that_does_not_speak_tls_has_a_reason(
    peer: Sushy, driver: RedfishDriver, said: bytes
) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reason = await reason_of(driver, target_at("127.0.0.1", port))
    assert reason in {Reason.TLS_FAILED, Reason.CONNECTION_REFUSED, Reason.BAD_REPLY}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 999 \xff\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx",
    ],
)
async def test_garbage_instead_of_http_is_a_bad_reply(
    peer: Sushy, driver: RedfishDriver, said: bytes
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reason = await reason_of(driver, target_at("127.0.0.1", port, scheme="http"))
    assert reason is Reason.BAD_REPLY
