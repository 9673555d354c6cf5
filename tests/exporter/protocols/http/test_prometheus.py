"""Instant queries: a real Prometheus, and answers that no Prometheus gives."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.protocols.http.prometheus import PrometheusApi, Vector, parse_vector
from rackwatt_exporter.protocols.http.tls import TlsParameters
from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S
from tests.exporter.web.tls_files import GOS_HASH, PASSWORD, TLS, WebFiles
from tests.peers.prometheus import Prometheus, prometheus

LOOPS = ("attended",)
NONE: Mapping[str, str] = {}


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with prometheus(tmp_path_factory.mktemp("p") / "prometheus", {}) as running:
        yield running


@asynccontextmanager
async def querying(
    url: str, headers: Mapping[str, str] = NONE, tls: TlsParameters | None = None
) -> AsyncIterator[PrometheusApi]:
    api = PrometheusApi(
        HttpClient(url, lambda: tls or TlsParameters(), PATIENCE_S), lambda: headers
    )
    try:
        yield api
    finally:
        await api.close()


async def failure(url: str, expression: str = "up", timeout_s: float = PATIENCE_S) -> ReadError:
    async with querying(url) as api:
        with pytest.raises(ReadError) as caught:
            await api.query(expression, timeout_s)
    return caught.value


async def test_a_vector_of_a_real_prometheus_has_its_labels_and_values(peer: Prometheus) -> None:
    async with querying(peer.url) as api:
        labelled = 'label_replace(vector(12.5), "jobid", "CORP\\\\alice", "", "")'
        assert await api.query(labelled, PATIENCE_S) == Vector([({"jobid": "CORP\\alice"}, 12.5)])
        assert await api.query("vector(1) > 2", PATIENCE_S) == Vector([])


async def test_a_value_that_is_not_finite_is_none_and_counted(peer: Prometheus) -> None:
    async with querying(peer.url) as api:
        assert await api.query("vector(0) / 0", PATIENCE_S) == Vector([], unread=1)
        assert await api.query("vector(1) / 0", PATIENCE_S) == Vector([], unread=1)


@pytest.mark.parametrize(
    ("expression", "message"),
    [("sum(", "bad_data: invalid parameter"), ("42", "no vector but 'scalar'")],
)
async def test_a_query_that_is_none_is_a_bad_reply_with_the_words_of_prometheus(
    peer: Prometheus, expression: str, message: str
) -> None:
    error = await failure(peer.url, expression)
    assert error.reason is Reason.BAD_REPLY
    assert message in str(error)


async def test_a_path_without_the_api_is_a_bad_reply_that_asks_for_the_url(
    peer: Prometheus,
) -> None:
    error = await failure(f"{peer.url}/elsewhere")
    assert error.reason is Reason.BAD_REPLY
    assert "is prometheusURL that of a Prometheus?" in str(error)


async def test_a_prometheus_with_tls_and_a_password_is_queried_with_both(tmp_path: Path) -> None:
    files = WebFiles(tmp_path)
    config = files.write(tls_server_config=TLS, basic_auth_users={"reader": GOS_HASH})
    context = ssl.create_default_context(cafile=files.authority_file)
    access: dict[str, Any] = {"verify": context, "auth": ("reader", PASSWORD)}
    tls = TlsParameters(authorities=files.authority_file)
    basic = {"Authorization": "Basic cmVhZGVyOmZha2VwYXNzd29yZA=="}
    with prometheus(tmp_path / "prometheus", {}, config, **access) as running:
        async with querying(running.url, basic, tls) as api:
            assert await api.query("vector(1)", PATIENCE_S) == Vector([({}, 1.0)])
        for headers, parameters, reason in (
            (NONE, tls, Reason.AUTH_FAILED),
            (basic, TlsParameters(), Reason.TLS_FAILED),
        ):
            async with querying(running.url, headers, parameters) as api:
                with pytest.raises(ReadError) as caught:
                    await api.query("vector(1)", PATIENCE_S)
            assert caught.value.reason is reason


@asynccontextmanager
async def answering(
    status: int, body: bytes, requested: list[str] | None = None
) -> AsyncIterator[str]:
    """Give one answer to every query."""

    async def answer(request: web.Request) -> web.Response:
        if requested is not None:
            requested.append(str(request.rel_url.query))
        if body == b"never":
            await asyncio.sleep(600)
        return web.Response(status=status, body=body)

    application = web.Application()
    application.router.add_get("/api/v1/query", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "reason", "message"),
    [
        (401, b"", Reason.AUTH_FAILED, "rejects the log-in"),
        (403, b"", Reason.PRIVILEGE_INSUFFICIENT, "does not let this user query"),
        (503, b'{"status":"error","errorType":"timeout","error":"query timed out"}',
         Reason.TIMEOUT, "gave up a query: query timed out"),
        (422, b'{"status":"error","errorType":"execution","error":"too many samples"}',
         Reason.BAD_REPLY, "execution: too many samples"),
        (302, b"", Reason.BAD_REPLY, "status 302"),
        (502, b"<html>Bad Gateway</html>", Reason.BAD_REPLY, "Bad Gateway"),
        (200, b"<html>log in</html>", Reason.BAD_REPLY, "<html>log in</html>"),
        (200, b"", Reason.BAD_REPLY, "is prometheusURL"),
        (200, b'{"status":"error","errorType":"x","error":"partial"}', Reason.BAD_REPLY, "partial"),
        (200, b"\xff\xfe", Reason.BAD_REPLY, "is prometheusURL"),
    ],
)  # fmt: skip
async def test_an_answer_without_a_result_is_an_error_with_its_reason(
    status: int, body: bytes, reason: Reason, message: str
) -> None:
    async with answering(status, body) as url:
        error = await failure(url)
    assert error.reason is reason
    assert message in str(error)


async def test_a_server_that_does_not_answer_is_given_up_and_knows_until_when() -> None:
    requested: list[str] = []
    async with answering(200, b"never", requested) as url:
        error = await failure(url, timeout_s=0.2)
    assert error.reason is Reason.TIMEOUT
    assert "'timeout': '1s'" in requested[0]


def vector(*samples: object, **more: object) -> bytes:
    data = {"resultType": "vector", "result": samples}
    return json.dumps({"status": "success", "data": data, **more}).encode()


@pytest.mark.parametrize(
    "bad",
    [{}, 3, {"metric": {"jobid": 7}, "value": [1, "2"]}, {"metric": {}, "value": [1, "x"]},
     {"metric": {}, "value": [1, "+Inf"]}, {"metric": {}, "value": [1, "NaN"]},
     {"metric": {}, "value": [1]}],
)  # fmt: skip
def test_one_bad_sample_hides_no_other_and_is_counted(bad: object) -> None:
    good = {"metric": {"jobid": "7"}, "value": [1.5, "2"]}
    assert parse_vector(vector(good, bad, good)) == Vector([({"jobid": "7"}, 2.0)] * 2, unread=1)


def test_warnings_of_the_server_are_kept() -> None:
    assert parse_vector(vector(warnings=["partial response"])).warnings == ("partial response",)


@given(
    st.binary() | st.dictionaries(st.text(), st.text()).map(lambda one: json.dumps(one).encode())
)
def test_any_body_is_a_vector_or_a_bad_reply(body: bytes) -> None:
    try:
        parse_vector(body)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        assert str(error).isprintable()
