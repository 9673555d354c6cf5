"""TLS with `openssl s_server` as old devices have it: what is in common, what the message is, what helps."""

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.protocols.http.tls import tls_context
from rackwatt_exporter.protocols.http.tls_errors import ClientCertificate, cause_of, tls_failed
from rackwatt_exporter.protocols.redfish.exchange import Origin
from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S
from tests.peers.openssl_server import ADDRESS, ALLOW_ALL, Certificates, openssl_server

LOOPS = ("uvloop",)

NEW = TlsOptions(insecure_skip_verify=True)
OLD = TlsOptions(insecure_skip_verify=True, legacy=True)
VERIFIED = TlsOptions(ca_secret="ca")
VERIFIED_OLD = TlsOptions(ca_secret="ca", legacy=True)
Client = Callable[[Path, int, TlsOptions], Coroutine[Any, Any, int]]


async def through_redfish(directory: Path, port: int, tls: TlsOptions) -> int:
    url, secrets = URL(f"https://{ADDRESS}:{port}/"), Secrets(directory)
    origin = Origin(url, lambda: tls_context(tls_parameters(tls, secrets)), tls.server_name)
    try:
        return (await origin.request("GET", "/redfish/v1/", {})).status
    finally:
        origin.close()


async def through_httpx(directory: Path, port: int, tls: TlsOptions) -> int:
    parameters = partial(tls_parameters, tls, Secrets(directory))
    service = HttpClient(f"https://{ADDRESS}:{port}", parameters, PATIENCE_S)
    try:
        return (await service.get("/", {})).status
    finally:
        await service.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    (made.directory / "ca").mkdir()
    (made.directory / "ca/ca.crt").write_bytes(made.authority.read_bytes())
    return made


@pytest.fixture(params=[through_redfish, through_httpx])
def client(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.param
    return chosen


async def refused(client: Client, directory: Path, port: int, tls: TlsOptions) -> ReadError:
    with pytest.raises(ReadError) as caught:
        await client(directory, port, tls)
    assert caught.value.reason is Reason.TLS_FAILED
    return caught.value


@pytest.mark.parametrize(
    ("flags", "in_common", "offered"),
    [
        (("-tls1", *ALLOW_ALL), "TLS version", "TLSv1 with "),
        (("-tls1_1", *ALLOW_ALL), "TLS version", "TLSv1.1 with "),
        (("-tls1_2", "-cipher", "AES256-GCM-SHA384"), "cipher suite", "TLSv1.2 with AES256-GCM"),
        (("-tls1_2", "-cipher", "AES128-SHA"), "cipher suite", "TLSv1.2 with AES128-SHA"),
        (("-tls1_2", "-sigalgs", "RSA+SHA1", *ALLOW_ALL), "signature", ""),
    ],
    ids=["TLS 1.0", "TLS 1.1", "RSA and GCM", "RSA and CBC", "SHA-1"],
)
async def test_old_tls_is_refused_with_what_it_is_and_spoken_where_the_document_allows_it(
    certificates: Certificates,
    client: Client,
    flags: tuple[str, ...],
    in_common: str,
    offered: str,
) -> None:
    with openssl_server(certificates, *certificates.of("server"), *flags) as port:
        error = await refused(client, certificates.directory, port, NEW)
        assert f"{in_common}" in str(error)
        said = f"it offers {offered}" if offered else "it signs its key exchange by SHA-1, which"
        assert said in str(error)
        assert "tls.legacy: true" in (error.remedy or "")
        assert "authority" not in (error.remedy or "")
        assert await client(certificates.directory, port, OLD) == 200
        assert await client(certificates.directory, port, VERIFIED_OLD) == 200


async def test_a_small_diffie_hellman_key_is_refused_unless_the_document_allows_it(
    certificates: Certificates, client: Client
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # s_server itself refuses such a group
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0")
    folder = certificates.directory
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_dh_params(str(certificates.small_group))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1024):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, ADDRESS, 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(client, folder, port, NEW)
        assert "Diffie-Hellman key is too small" in str(error)
        assert "tls.legacy: true" in (error.remedy or "")
        assert await client(folder, port, OLD) == 200


@pytest.mark.parametrize("name", ["sha1", "short"])
async def test_a_weak_certificate_verifies_only_where_the_document_allows_it(
    certificates: Certificates, client: Client, name: str
) -> None:
    with openssl_server(certificates, *certificates.of(name), *ALLOW_ALL) as port:
        error = await refused(client, certificates.directory, port, VERIFIED)
        assert "too weak" in str(error)
        assert "(tls has legacy " in str(error)
        assert "Replace the certificate" in (error.remedy or "")
        assert await client(certificates.directory, port, VERIFIED_OLD) == 200


@pytest.mark.parametrize(
    ("tls", "remedy"),
    [
        (TlsOptions(ca_secret="ca", server_name="another.example"), "tls.serverName"),
        (TlsOptions(ca_secret="ca", server_name="another.example", legacy=True), "tls.serverName"),
        (TlsOptions(), "tls.caSecretRef"),
        (TlsOptions(legacy=True), "tls.caSecretRef"),
    ],
)
async def test_a_certificate_that_does_not_verify_has_advice_for_why(
    certificates: Certificates, client: Client, tls: TlsOptions, remedy: str
) -> None:
    with openssl_server(certificates, *certificates.of("server")) as port:
        error = await refused(client, certificates.directory, port, tls)
    assert remedy in (error.remedy or "")


def requires_certificate(certificates: Certificates, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    folder = certificates.directory
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def names_the_certificate(error: ReadError, client: Client) -> bool:
    field = "tls.clientSecretRef" in str(error) and "tls.clientSecretRef" in (error.remedy or "")
    return "the service requires a client certificate" in str(error) and (
        field == (client is through_httpx)
    )


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("tls", [NEW, OLD])
async def test_a_client_certificate_that_is_required_is_named_with_its_field(
    certificates: Certificates, client: Client, tls: TlsOptions, version: ssl.TLSVersion
) -> None:
    flag = "-tls1_3" if version is ssl.TLSVersion.TLSv1_3 else "-tls1_2"
    flags = (*certificates.of("server"), flag, "-Verify", "1", "-verify_return_error")
    with openssl_server(certificates, *flags) as port:
        assert names_the_certificate(
            await refused(client, certificates.directory, port, tls), client
        )
    context = requires_certificate(certificates, version)

    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(never, ADDRESS, 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        for _ in range(3):
            error = await refused(client, certificates.directory, port, tls)
            assert names_the_certificate(error, client)


async def test_a_refusal_that_a_reset_overtakes_names_the_client_certificate(
    certificates: Certificates, client: Client
) -> None:
    """As a server does that reads no request: its reset discards the alert at the client."""
    version = ssl.TLSVersion.TLSv1_3
    strict = requires_certificate(certificates, version)
    lenient = requires_certificate(certificates, version)
    lenient.verify_mode = ssl.CERT_NONE
    seen: list[None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(None)
        if len(seen) > 1:
            with suppress(ssl.SSLError, OSError):
                await writer.start_tls(strict)
        else:
            await writer.start_tls(lenient)
            await reader.read(1024)
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        writer.close()

    async with await asyncio.start_server(answer, ADDRESS, 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(client, certificates.directory, port, NEW)
    assert len(seen) == 2
    assert names_the_certificate(error, client)


async def test_a_service_that_closes_each_connection_is_not_said_to_require_a_certificate(
    certificates: Certificates, client: Client
) -> None:
    context = requires_certificate(certificates, ssl.TLSVersion.TLSv1_3)
    context.verify_mode = ssl.CERT_NONE

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(close, ADDRESS, 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ReadError) as caught:
            await client(certificates.directory, port, NEW)
    assert caught.value.reason is Reason.BAD_REPLY
    assert "cannot connect" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "page"),
    [
        (400, b"<title>400 No required SSL certificate was sent</title>"),
        (400, b"<center>The SSL certificate error</center><hr><center>nginx/1.22.1</center>"),
        (403, b"<h2>403.7 - Forbidden: SSL client certificate is required.</h2>"),
    ],
    ids=["nginx without", "nginx with another", "IIS"],
)
async def test_a_page_that_requires_a_client_certificate_names_its_field(
    certificates: Certificates, client: Client, status: int, page: bytes
) -> None:
    context = requires_certificate(certificates, ssl.TLSVersion.TLSv1_3)
    context.verify_mode = ssl.CERT_OPTIONAL

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(page)) + page)
        writer.close()

    async with await asyncio.start_server(answer, ADDRESS, 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(client, certificates.directory, port, NEW)
    assert names_the_certificate(error, client)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_client_certificate_that_is_not_accepted_is_said_to_be_it(
    certificates: Certificates, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    stranger = Certificates(tmp_path).directory
    (tmp_path / "ours").mkdir()
    (stranger / "server.pem").rename(tmp_path / "ours/tls.crt")
    (stranger / "server.key").rename(tmp_path / "ours/tls.key")
    tls = TlsOptions(insecure_skip_verify=True, client_secret="ours")

    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    context = requires_certificate(certificates, version)
    async with await asyncio.start_server(never, ADDRESS, 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(through_httpx, tmp_path, port, tls)
    assert "does not accept the client certificate of tls.clientSecretRef" in str(error)


@pytest.mark.parametrize("tls", [NEW, OLD])
async def test_what_old_tls_does_not_help_is_not_advised_to_allow_it(
    certificates: Certificates, client: Client, tls: TlsOptions
) -> None:
    curve = (
        "-tls1_2",
        "-curves",
        "secp192r1",
        "-cipher",
        "ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0",
    )
    with openssl_server(certificates, *certificates.of("server"), *curve) as port:
        error = await refused(client, certificates.directory, port, tls)
    assert "cipher suite" in str(error)
    assert "does not help" in (error.remedy or "")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak TLS"),
        (b"", "closed the connection during the TLS handshake"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "cipher suite"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS version"),
        (b"\x15\x03\x01\x00\x02\x02\x70", "does not know the name"),
        (b"\x15\x03\x01\x00\x02\x02\x50", "TLS could not be set up: TLSV1_ALERT_INTERNAL_ERROR"),
    ],
)
async def test_the_way_a_peer_ends_the_handshake_is_in_the_message(
    tmp_path: Path, client: Client, said: bytes, message: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, ADDRESS, 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(client, tmp_path, port, NEW)
    assert message in str(error)
    assert error.remedy


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_service_that_hangs_up_once_is_not_taken_for_an_old_one(
    certificates: Certificates, client: Client, version: ssl.TLSVersion
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    folder = certificates.directory
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    seen: list[None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(None)
        if len(seen) > 1:
            await writer.start_tls(context)
            await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, ADDRESS, 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(client, folder, port, NEW)
    assert len(seen) == 2
    assert "offers" not in str(error)
    assert "restarting" in (error.remedy or "")


@given(st.none() | st.text(), st.none() | st.just("") | st.text())
def test_any_word_of_openssl_has_a_message_and_advice(word: str | None, offer: str | None) -> None:
    error = ssl.SSLError(1, "failed")
    error.reason = word or ""
    found = tls_failed(cause_of(error, ClientCertificate.NOT_GIVEN), offer)
    assert found.reason is Reason.TLS_FAILED
    assert str(found).isprintable()
    assert found.remedy


def test_old_tls_is_not_offered_unless_the_document_says_so() -> None:
    new, old = (tls_context(tls_parameters(tls, Secrets(Path()))) for tls in (NEW, OLD))
    assert new.minimum_version >= ssl.TLSVersion.TLSv1_2 or sys.version_info < (3, 10)
    assert new.security_level >= 1
    assert old.security_level == 0
    names = {cipher["name"] for cipher in old.get_ciphers()}
    assert "AES256-GCM-SHA384" in names
    assert not {name for name in names if name.startswith(("ADH", "AECDH"))}
