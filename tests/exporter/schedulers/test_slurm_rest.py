"""Node states through a real slurmrestd 22.05, and through one of 24.11 played back from captures."""

import asyncio
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm_rest import SlurmRest
from rackwatt_exporter.schedulers.slurm_token import minted
from rackwatt_exporter.settings.binding import SecretKey, SlurmRestOptions
from rackwatt_exporter.settings.options import TlsOptions
from rackwatt_exporter.settings.secrets import Secrets
from tests.exporter.schedulers.conftest import WORDS
from tests.peers.slurm import SlurmCluster

DATA = Path(__file__).parents[2] / "data"
TIMEOUT_S = 10.0
LOOPS = ("uvloop",)  # as in production; what matters here runs the same on each
KEY = SecretKey("slurm", "jwt_hs256.key")
TOKEN = SecretKey("slurm", "token")


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "slurm").mkdir()
    return Secrets(tmp_path)


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    """A small cluster whose daemons tests may stop, as long as they start them again."""
    with SlurmCluster("n1", rest=True) as running:
        yield running


def with_key(cluster: SlurmCluster, directory: Path, user: str = "root") -> SlurmRestOptions:
    (directory / "slurm" / KEY.key).write_bytes(cluster.jwt_key.read_bytes())
    return SlurmRestOptions(cluster.rest_url, user=user, jwt_key=KEY)


def with_token(
    cluster: SlurmCluster, directory: Path, token: str, user: str | None = "root"
) -> SlurmRestOptions:
    (directory / "slurm" / TOKEN.key).write_text(token + "\n")
    return SlurmRestOptions(cluster.rest_url, user=user, token=TOKEN)


@asynccontextmanager
async def asking(options: SlurmRestOptions, secrets: Secrets) -> AsyncIterator[SlurmRest]:
    scheduler = SlurmRest(options, secrets, TIMEOUT_S)
    try:
        yield scheduler
    finally:
        await scheduler.close()


async def failure_of(options: SlurmRestOptions, secrets: Secrets) -> ReadError:
    async with asking(options, secrets) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
    return caught.value


async def test_every_state_of_a_real_slurm_is_read_with_a_token_of_our_own(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(stage, tmp_path), secrets) as scheduler:
        answer = await scheduler.read()
    assert answer.states == WORDS
    assert answer.version == "22.05.8"


async def test_a_token_that_slurm_made_is_taken_as_scontrol_prints_it(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    token = f"SLURM_JWT={stage.token()}"
    async with asking(with_token(stage, tmp_path, token), secrets) as scheduler:
        assert (await scheduler.read()).states == WORDS


async def test_a_user_who_is_nobody_in_particular_may_ask(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(stage, tmp_path, user="daemon"), secrets) as scheduler:
        assert (await scheduler.read()).states == WORDS


async def test_both_versions_of_the_interface_say_the_same(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    for version in ("v0.0.37", "v0.0.38"):
        stage.stop_rest()
        stage.start_rest(version)
        async with asking(with_key(stage, tmp_path), secrets) as scheduler:
            assert (await scheduler.read()).states == WORDS
    stage.stop_rest()
    stage.start_rest()


async def test_a_version_that_is_gone_is_negotiated_anew(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    cluster.stop_rest()
    cluster.start_rest("v0.0.38")
    async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
        await scheduler.read()
        cluster.stop_rest()
        cluster.start_rest("v0.0.37")
        assert set((await scheduler.read()).states) == {"n1"}
    cluster.stop_rest()
    cluster.start_rest()


async def test_versions_that_are_all_too_old_are_a_bad_reply_that_names_them(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    cluster.stop_rest()
    cluster.start_rest("v0.0.36")
    error = await failure_of(with_key(cluster, tmp_path), secrets)
    cluster.stop_rest()
    cluster.start_rest()
    assert error.reason is Reason.BAD_REPLY
    assert "v0.0.36" in str(error)


async def test_an_expired_token_is_auth_failed_and_not_shown(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    token = minted(cluster.jwt_key.read_bytes(), "root", time.time() - 60, life_s=30)
    error = await failure_of(with_token(cluster, tmp_path, token), secrets)
    assert error.reason is Reason.AUTH_FAILED
    assert token not in str(error)


async def test_a_wrong_key_is_auth_failed_and_the_right_one_counts_once_it_is_there(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    options = with_key(cluster, tmp_path)
    (tmp_path / "slurm" / KEY.key).write_bytes(os.urandom(32))
    async with asking(options, secrets) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.AUTH_FAILED
        with_key(cluster, tmp_path)
        assert set((await scheduler.read()).states) == {"n1"}


async def test_a_rotated_token_counts_from_the_next_reading_on(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_token(cluster, tmp_path, "not.a.token"), secrets) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.AUTH_FAILED
        with_token(cluster, tmp_path, cluster.token())
        assert set((await scheduler.read()).states) == {"n1"}


async def test_a_token_without_a_user_is_auth_failed_and_says_what_22_05_wants(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    options = with_token(cluster, tmp_path, cluster.token(), user=None)
    error = await failure_of(options, secrets)
    assert error.reason is Reason.AUTH_FAILED
    assert "user" in str(error)


async def test_a_key_that_ends_in_a_newline_is_taken_whole(
    secrets: Secrets, tmp_path: Path
) -> None:
    with SlurmCluster("n1", rest=True, jwt_key=os.urandom(31) + b"\n") as cluster:
        async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
            assert set((await scheduler.read()).states) == {"n1"}


async def test_a_missing_key_is_credentials_missing_and_names_the_file(
    cluster: SlurmCluster, secrets: Secrets
) -> None:
    options = SlurmRestOptions(cluster.rest_url, user="root", jwt_key=KEY)
    error = await failure_of(options, secrets)
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert KEY.key in str(error)


async def test_a_slurmrestd_that_is_gone_is_refused_and_found_again(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
        await scheduler.read()
        cluster.stop_rest()
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.REFUSED
        cluster.start_rest()
        assert set((await scheduler.read()).states) == {"n1"}


async def test_a_slurmctld_that_is_gone_is_unreachable_and_found_again(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
        await scheduler.read()
        cluster.stop_controller()
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.UNREACHABLE
        assert "slurmctld" in str(caught.value)
        cluster.start_controller()
        assert set((await scheduler.read()).states) == {"n1"}


async def test_a_slurmctld_that_is_silent_is_a_timeout(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    options = with_key(cluster, tmp_path)
    scheduler = SlurmRest(options, secrets, timeout_s=1.0)
    await scheduler.read()
    with cluster.frozen("slurmctld"), pytest.raises(ReadError) as caught:
        await scheduler.read()
    assert caught.value.reason is Reason.TIMEOUT
    assert set((await scheduler.read()).states) == {"n1"}
    await scheduler.close()


async def test_a_cancelled_reading_leaves_a_scheduler_that_can_go_on(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
        await scheduler.read()
        with cluster.frozen("slurmctld"), pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await scheduler.read()
        assert set((await scheduler.read()).states) == {"n1"}


async def test_a_user_whom_nodes_are_hidden_from_is_auth_failed_and_told_why(
    secrets: Secrets, tmp_path: Path
) -> None:
    with SlurmCluster("n1", rest=True, more="PrivateData=nodes") as cluster:
        error = await failure_of(with_key(cluster, tmp_path, user="daemon"), secrets)
    assert error.reason is Reason.AUTH_FAILED
    assert "PrivateData" in str(error)


class Playback:
    """A slurmrestd 24.11 as its captures tell it; `requests` keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.versions = ["v0.0.40", "v0.0.41", "v0.0.42"]
        self.status, self.body = 200, (DATA / "slurm-24.11/nodes_v0.0.42.json").read_bytes()
        self.last_update = json.loads(self.body)["last_update"]["number"]

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request.path_qs)
        if "X-SLURM-USER-TOKEN" not in request.headers:
            return web.Response(status=401, text="Authentication failure")
        if request.path == "/openapi/v3":
            paths = {f"/slurm/{version}/nodes/": {"get": {}} for version in self.versions}
            return web.json_response({"openapi": "3.0.3", "paths": paths})
        if request.path.split("/")[2] not in self.versions:
            return web.Response(status=404, text="Unable find requested URL.")
        if int(request.query.get("update_time", 0)) >= self.last_update:
            return web.Response(status=304)
        return web.Response(status=self.status, body=self.body, content_type="application/json")


@asynccontextmanager
async def serving(peer: Playback, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path:.*}", peer.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def played(peer: Playback, secrets: Secrets, directory: Path) -> AsyncIterator[SlurmRest]:
    (directory / "slurm" / TOKEN.key).write_text("a.b.c")
    async with (
        serving(peer) as url,
        asking(SlurmRestOptions(url, token=TOKEN), secrets) as scheduler,
    ):
        yield scheduler


SIX = {
    "n01": "allocated",
    "n02": "idle",
    "n03": "idle",
    "n04": "idle",
    "n05": "drained",
    "n06": "down",
}


async def test_while_nothing_has_changed_the_last_states_stay(
    secrets: Secrets, tmp_path: Path
) -> None:
    peer = Playback()
    async with played(peer, secrets, tmp_path) as scheduler:
        first = await scheduler.read()
        second = await scheduler.read()
    assert first.states == SIX
    assert first.version == "24.11.5"
    assert second is first
    assert peer.requests == [
        "/openapi/v3",
        "/slurm/v0.0.42/nodes/",
        f"/slurm/v0.0.42/nodes/?update_time={peer.last_update}",
    ]


async def test_a_change_after_that_is_read(secrets: Secrets, tmp_path: Path) -> None:
    peer = Playback()
    async with played(peer, secrets, tmp_path) as scheduler:
        await scheduler.read()
        peer.last_update += 1
        peer.body = (DATA / "slurm-24.11/nodes_draining_v0.0.42.json").read_bytes()
        assert (await scheduler.read()).states["n01"] == "draining"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["v0.0.39", "v0.0.40", "v0.0.41"], "v0.0.41"),
        (["v0.0.44", "v0.0.45", "v0.0.46"], "v0.0.45"),
        (["v0.0.47", "v0.0.46", "v0.0.48"], "v0.0.46"),
        (["v0.0.9", "v0.0.38"], "v0.0.38"),
    ],
)
async def test_the_newest_version_that_we_know_is_chosen(
    secrets: Secrets, tmp_path: Path, offered: list[str], chosen: str
) -> None:
    peer = Playback()
    peer.versions = offered
    async with played(peer, secrets, tmp_path) as scheduler:
        await scheduler.read()
    assert peer.requests[1] == f"/slurm/{chosen}/nodes/"


async def test_the_refusal_of_24_11_is_auth_failed(secrets: Secrets, tmp_path: Path) -> None:
    peer = Playback()
    peer.status, peer.body = 511, (DATA / "slurm-24.11/token_expired.json").read_bytes()
    async with played(peer, secrets, tmp_path) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
    assert caught.value.reason is Reason.AUTH_FAILED
    assert "Protocol authentication error" in str(caught.value)


async def test_errors_count_even_with_status_200(secrets: Secrets, tmp_path: Path) -> None:
    peer = Playback()
    peer.body = (DATA / "slurm-24.11/token_expired.json").read_bytes()
    async with played(peer, secrets, tmp_path) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
    assert caught.value.reason is Reason.AUTH_FAILED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>welcome</html>"),
        (200, b"{}"),
        (200, b'{"nodes": 3}'),
        (200, b'{"nodes": [{"name": "n1"}]}'),
        (200, b'{"nodes": [], "errors": []}'),
        (200, b'{"nodes": [{"name": "n1", "state": []}]}'),
        (200, b"\xff\xfe"),
        (200, b""),
        (302, b""),
        (304, b""),
        (502, b"Bad Gateway"),
    ],
)
async def test_what_is_no_answer_of_slurmrestd_is_a_bad_reply(
    secrets: Secrets, tmp_path: Path, status: int, body: bytes
) -> None:
    peer = Playback()
    peer.status, peer.body = status, body
    async with played(peer, secrets, tmp_path) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
    assert caught.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize("openapi", [b"", b"{}", b"<html>", b'{"paths": []}', b'{"paths": {}}'])
async def test_another_service_at_that_url_is_a_bad_reply(
    secrets: Secrets, tmp_path: Path, openapi: bytes
) -> None:
    peer = Playback()

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=openapi)

    peer.handle = handle  # type: ignore[method-assign]
    async with played(peer, secrets, tmp_path) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
    assert caught.value.reason is Reason.BAD_REPLY


@contextmanager
def authority(directory: Path) -> Iterator[trustme.CA]:
    ca = trustme.CA()
    (directory / "ca").mkdir()
    ca.cert_pem.write_to_path(directory / "ca" / "ca.crt")
    yield ca


def context_of(ca: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("tls", "reason"),
    [
        (TlsOptions(ca_secret="ca"), None),
        (TlsOptions(insecure_skip_verify=True), None),
        (TlsOptions(), Reason.TLS_FAILED),
        (TlsOptions(ca_secret="ca", server_name="other.example"), Reason.TLS_FAILED),
        (TlsOptions(ca_secret="nowhere"), Reason.CREDENTIALS_MISSING),
    ],
)
async def test_a_certificate_is_verified_as_the_document_says(
    secrets: Secrets, tmp_path: Path, tls: TlsOptions, reason: Reason | None
) -> None:
    (tmp_path / "slurm" / TOKEN.key).write_text("a.b.c")
    with authority(tmp_path) as ca:
        async with serving(Playback(), context_of(ca, "127.0.0.1")) as url:
            options = SlurmRestOptions(url, token=TOKEN, tls=tls)
            async with asking(options, secrets) as scheduler:
                if reason is None:
                    assert (await scheduler.read()).states == SIX
                else:
                    with pytest.raises(ReadError) as caught:
                        await scheduler.read()
                    assert caught.value.reason is reason


async def test_the_name_on_the_certificate_may_be_another_than_the_address(
    secrets: Secrets, tmp_path: Path
) -> None:
    (tmp_path / "slurm" / TOKEN.key).write_text("a.b.c")
    tls = TlsOptions(ca_secret="ca", server_name="slurm.example")
    with authority(tmp_path) as ca:
        async with serving(Playback(), context_of(ca, "slurm.example")) as url:
            options = SlurmRestOptions(url, token=TOKEN, tls=tls)
            async with asking(options, secrets) as scheduler:
                assert (await scheduler.read()).states == SIX
            no_name = replace(options, tls=TlsOptions(ca_secret="ca"))
            assert (await failure_of(no_name, secrets)).reason is Reason.TLS_FAILED


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", Reason.REFUSED),
        ("http://nosuchhost.invalid", Reason.NAME_UNRESOLVED),
        ("http://[::1", Reason.INVALID_ENTRY),
    ],
)
async def test_an_address_where_nobody_is_has_its_own_reason(
    secrets: Secrets, tmp_path: Path, url: str, reason: Reason
) -> None:
    (tmp_path / "slurm" / TOKEN.key).write_text("a.b.c")
    assert (await failure_of(SlurmRestOptions(url, token=TOKEN), secrets)).reason is reason
