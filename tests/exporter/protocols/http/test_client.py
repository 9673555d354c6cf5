"""HTTP through httpx: TLS as the document says, and a reason for every way in which it fails."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import BODY_LIMIT, LINE_LIMIT, HttpClient
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S, eventually
from tests.peers.ports import free_port

LOOPS = ("attended",)
SYSTEM = TlsOptions()
PRIVATE = TlsOptions(ca_secret="ca")


async def answer(request: web.Request) -> web.StreamResponse:
    if request.path == "/endless":
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(BODY_LIMIT // 2**20 + 1):
            await response.write(bytes(2**20))
        return response
    if request.path == "/silent":
        await asyncio.sleep(600)
    if request.method == "POST":
        return web.Response(status=201, body=await request.read())
    if request.path == "/refused":
        return web.Response(status=401, text=f"{request.headers['Authorization']} is refused\n")
    if request.path == "/elsewhere":
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
    return web.Response(text=request.headers.get("X-Word", "nothing"))


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asking(
    url: str, directory: Path, tls: TlsOptions = SYSTEM, timeout_s: float = PATIENCE_S
) -> AsyncIterator[HttpClient]:
    service = HttpClient(url, partial(tls_parameters, tls, Secrets(directory)), timeout_s)
    try:
        yield service
    finally:
        await service.close()


async def failure(service: HttpClient, path: str = "/") -> Reason:
    with pytest.raises(ReadError) as caught:
        await service.get(path, {})
    return caught.value.reason


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    return renewed(tmp_path)


def renewed(directory: Path) -> trustme.CA:
    ca = trustme.CA()
    (directory / "ca").mkdir(exist_ok=True)
    ca.cert_pem.write_to_path(directory / "ca" / "ca.crt")
    return ca


def web_files(ca: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)
    return context


async def test_headers_reach_the_service_and_its_words_come_back(tmp_path: Path) -> None:
    async with serving() as url, asking(url, tmp_path) as service:
        said = await service.get("/", {"X-Word": "hello"})
    assert (said.status, said.body) == (200, b"hello")


async def test_a_body_is_posted_as_it_is(tmp_path: Path) -> None:
    async with serving() as url, asking(url, tmp_path) as service:
        response = await service.post("/", {"Content-Type": "application/json"}, b"{}")
    assert (response.status, response.body) == (201, b"{}")


async def test_a_proxy_of_the_environment_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with serving() as url, asking(url, tmp_path) as service:
        assert (await service.get("/", {})).status == 200


async def test_a_token_that_a_refusal_echoes_is_read_and_not_quoted(tmp_path: Path) -> None:
    sent, body = {"Authorization": "Bearer hush-hush"}, b"Bearer hush-hush is refused\n"
    async with serving() as url, asking(url, tmp_path) as service:
        assert (await service.get("/refused", sent)).body == body
        assert quoted(body) == "(redacted) is refused"
        async with service.lines("/refused", sent, {}, PATIENCE_S) as (status, lines):
            assert (status, [line async for line in lines]) == (401, [body.rstrip()])
        async with service.chunks("/refused", sent) as (_, chunks):
            assert [chunk async for chunk in chunks] == [body]
            assert quoted(body) == "(redacted) is refused"


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with serving() as url, asking(url, tmp_path) as service:
        assert (await service.get("/elsewhere", {})).status == 302


async def test_a_body_without_end_is_a_bad_reply(tmp_path: Path) -> None:
    async with serving() as url, asking(url, tmp_path) as service:
        assert await failure(service, "/endless") is Reason.BAD_REPLY


async def test_silence_is_a_timeout_and_the_next_question_is_answered(tmp_path: Path) -> None:
    async with serving() as url, asking(url, tmp_path, timeout_s=0.3) as service:
        assert await failure(service, "/silent") is Reason.TIMEOUT
        assert (await service.get("/", {})).status == 200


@pytest.mark.parametrize("tls", [PRIVATE, TlsOptions(insecure_skip_verify=True)])
async def test_a_certificate_that_verifies_or_need_not_is_taken(
    authority: trustme.CA, tmp_path: Path, tls: TlsOptions
) -> None:
    async with (
        serving(web_files(authority, "127.0.0.1")) as url,
        asking(url, tmp_path, tls) as service,
    ):
        assert (await service.get("/", {})).status == 200


async def test_the_name_on_the_certificate_may_be_another_than_the_address(
    authority: trustme.CA, tmp_path: Path
) -> None:
    tls = TlsOptions(ca_secret="ca", server_name="slurm.example")
    async with serving(web_files(authority, "slurm.example")) as url:
        async with asking(url, tmp_path, tls) as service:
            assert (await service.get("/", {})).status == 200
        async with asking(url, tmp_path, PRIVATE) as service:
            assert await failure(service) is Reason.TLS_FAILED


async def test_authorities_of_the_system_do_not_know_a_private_one(
    authority: trustme.CA, tmp_path: Path
) -> None:
    async with (
        serving(web_files(authority, "127.0.0.1")) as url,
        asking(url, tmp_path) as service,
    ):
        assert await failure(service) is Reason.TLS_FAILED


async def test_a_rotated_authority_counts_after_the_failure(
    authority: trustme.CA, tmp_path: Path
) -> None:
    stranger = trustme.CA()
    async with (
        serving(web_files(stranger, "127.0.0.1")) as url,
        asking(url, tmp_path, PRIVATE) as service,
    ):
        assert await failure(service) is Reason.TLS_FAILED
        stranger.cert_pem.write_to_path(tmp_path / "ca" / "ca.crt")
        assert (await service.get("/", {})).status == 200


async def test_a_missing_authority_is_credentials_missing(tmp_path: Path) -> None:
    async with asking("https://127.0.0.1:1", tmp_path, PRIVATE) as service:
        assert await failure(service) is Reason.CREDENTIALS_MISSING


async def test_an_authority_that_is_no_certificate_is_tls_failed(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "ca.crt").write_text("not a certificate")
    async with asking("https://127.0.0.1:1", tmp_path, PRIVATE) as service:
        assert await failure(service) is Reason.TLS_FAILED


async def test_a_service_that_speaks_no_tls_is_tls_failed(tmp_path: Path) -> None:
    async with serving() as url:
        secure = url.replace("http:", "https:")
        async with asking(secure, tmp_path, TlsOptions(insecure_skip_verify=True)) as service:
            assert await failure(service) is Reason.TLS_FAILED


async def test_a_service_that_is_silent_in_the_handshake_is_a_timeout(tmp_path: Path) -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(wait, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url, tls = f"https://127.0.0.1:{port}", TlsOptions(insecure_skip_verify=True)
        async with asking(url, tmp_path, tls, timeout_s=0.3) as service:
            with pytest.raises(ReadError, match="the TLS handshake did not end") as caught:
                await service.get("/", {})
    assert caught.value.reason is Reason.TIMEOUT


async def test_what_is_not_http_is_a_bad_reply(tmp_path: Path) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asking(f"http://127.0.0.1:{port}", tmp_path) as service:
            assert await failure(service) is Reason.BAD_REPLY


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", Reason.CONNECTION_REFUSED),
        ("http://nosuchhost.invalid", Reason.NAME_UNRESOLVED),
        ("http://[::1", Reason.INVALID_ENTRY),
    ],
)
async def test_an_address_without_a_service_has_its_own_reason(
    tmp_path: Path, url: str, reason: Reason
) -> None:
    async with asking(url, tmp_path) as service:
        assert await failure(service) is reason


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n<html>",
        b"HTTP/1.1 401 X\r\nContent-Length: 100\r\n\r\n<html>",
        b"HTTP/1.1 401 X\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx",
        b"HTTP/1.0 401 X\r\nConnection: close\r\n\r\n",
    ],
    ids=["chunked", "length", "gzip", "none"],
)
@pytest.mark.parametrize("status", [302, 401, 503, 200])
async def test_a_refusal_cut_short_keeps_its_status_and_a_success_does_not(
    tmp_path: Path, said: bytes, status: int
) -> None:
    sent = said.replace(b"401", b"%d" % status)

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        writer.close()

    async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asking(f"http://127.0.0.1:{port}", tmp_path) as service:
            if status == 200 and not said.endswith(b"close\r\n\r\n"):
                assert await failure(service) is Reason.BAD_REPLY
            else:
                assert (await service.get("/", {})).status == status


@asynccontextmanager
async def chunked(*chunks: bytes, ends: bool = True) -> AsyncIterator[str]:
    """Serve a response in chunks; without `ends` it stays open."""
    stopped = asyncio.Event()

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
        if ends:
            writer.write(b"0\r\n\r\n")
        else:
            await stopped.wait()
        writer.close()

    async with await asyncio.start_server(send, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        stopped.set()


async def lines_of(service: HttpClient, silence_s: float = PATIENCE_S) -> list[bytes]:
    async with service.lines("/", {}, {}, silence_s) as (status, lines):
        assert status == 200
        return [line async for line in lines]


async def test_lines_are_those_of_the_body_however_it_is_cut(tmp_path: Path) -> None:
    async with (
        chunked(b"o", b"ne\ntwo\n", b"\nth", b"ree") as url,
        asking(url, tmp_path) as service,
    ):
        assert await lines_of(service) == [b"one", b"two", b"", b"three"]


async def test_a_silence_between_lines_is_a_timeout(tmp_path: Path) -> None:
    async with chunked(b"one\n", ends=False) as url, asking(url, tmp_path) as service:
        with pytest.raises(ReadError) as caught:
            await lines_of(service, silence_s=0.5)
        assert caught.value.reason is Reason.TIMEOUT


async def test_a_line_without_end_is_a_bad_reply(tmp_path: Path) -> None:
    chunks = [bytes(2**20)] * (LINE_LIMIT // 2**20 + 1)
    async with chunked(*chunks, ends=False) as url, asking(url, tmp_path) as service:
        with pytest.raises(ReadError, match="a line of / is larger than 16 MiB") as caught:
            await lines_of(service)
        assert caught.value.reason is Reason.BAD_REPLY


MUTUAL = TlsOptions(ca_secret="ca", client_secret="ours")


def shown(authority: trustme.CA, directory: Path) -> None:
    """Write a certificate of ours, as kubectl makes a Secret of one."""
    ours = authority.issue_cert("watt.example")
    (directory / "ours").mkdir(exist_ok=True)
    ours.private_key_pem.write_to_path(directory / "ours" / "tls.key")
    ours.cert_chain_pems[0].write_to_path(directory / "ours" / "tls.crt")


@asynccontextmanager
async def wanting(authority: trustme.CA, directory: Path) -> AsyncIterator[str]:
    """OpenSSL's own server, which wants a certificate of clients."""
    pem, port = directory / "server.pem", free_port()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    authority.cert_pem.write_to_path(directory / "clients.crt")
    server = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-www", "-quiet", "-accept", f"127.0.0.1:{port}", "-cert", pem),
        *("-Verify", "2", "-verify_return_error", "-CAfile", directory / "clients.crt"),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: listens(port))
        yield f"https://127.0.0.1:{port}"
    finally:
        server.terminate()
        await server.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_server_that_wants_our_certificate_is_shown_it(
    authority: trustme.CA, tmp_path: Path
) -> None:
    shown(authority, tmp_path)
    async with wanting(authority, tmp_path) as url, asking(url, tmp_path, MUTUAL) as service:
        assert (await service.get("/", {})).status == 200


async def test_a_server_that_wants_a_certificate_and_gets_none_is_tls_failed(
    authority: trustme.CA, tmp_path: Path
) -> None:
    async with wanting(authority, tmp_path) as url, asking(url, tmp_path, PRIVATE) as service:
        assert await failure(service) is Reason.TLS_FAILED


async def test_a_server_that_gets_a_strangers_certificate_is_tls_failed_until_it_is_renewed(
    authority: trustme.CA, tmp_path: Path
) -> None:
    shown(trustme.CA(), tmp_path)
    async with wanting(authority, tmp_path) as url, asking(url, tmp_path, MUTUAL) as service:
        assert await failure(service) is Reason.TLS_FAILED
        shown(authority, tmp_path)
        assert (await service.get("/", {})).status == 200


async def test_a_certificate_of_ours_that_is_not_there_is_credentials_missing(
    authority: trustme.CA, tmp_path: Path
) -> None:
    async with wanting(authority, tmp_path) as url, asking(url, tmp_path, MUTUAL) as service:
        assert await failure(service) is Reason.CREDENTIALS_MISSING


@pytest.mark.parametrize("key", ["", "garbage", "another", "locked"])
async def test_a_certificate_without_its_key_is_tls_failed(
    authority: trustme.CA, tmp_path: Path, key: str
) -> None:
    """Nor is a key with a password one: there is no terminal to prompt on."""
    shown(authority, tmp_path)
    file = tmp_path / "ours" / "tls.key"
    if key == "another":
        authority.issue_cert("another.example").private_key_pem.write_to_path(file)
    elif key == "locked":
        command = ("openssl", "pkey", "-aes256", "-passout", "pass:hush", "-in", str(file))
        file.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    else:
        file.write_text(key)
    async with wanting(authority, tmp_path) as url, asking(url, tmp_path, MUTUAL) as service:
        assert await failure(service) is Reason.TLS_FAILED
