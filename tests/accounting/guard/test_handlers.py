"""The guard before a real Prometheus with series of two users.

The strongest test compares two servers: one has the series of both users, the other those of the
caller alone. Whatever is queried through the guard, both have to answer alike.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from aiohttp import web

from rackwatt_accounting.guard.handlers import Guard, Settings
from rackwatt_accounting.guard.upstream import Upstream
from rackwatt_accounting.identity.caller import CALLER, Caller
from rackwatt_accounting.identity.rights import Scope
from tests.accounting.guard import grammar
from tests.accounting.guard.series import CLUSTER, MINE, NAMES, WORLD, Labels, Owned, scope
from tests.eventually import PATIENCE_S
from tests.peers.prometheus import Prometheus, prometheus

BEGIN_S, STEP_S, STEPS = 1_700_000_000, 30, 240
NOW_S = BEGIN_S + STEP_S * STEPS - 60
CPU, MEMORY = NAMES
OWN_NODES = {"n-alice"}


def history(series: Sequence[Labels], first: int) -> str:
    """Write samples of some series; each has values of its own."""
    lines = []
    for name in sorted({labels["__name__"] for labels in series}):
        lines.append(f"# TYPE {name} unknown")
        for number, labels in enumerate(series, first):
            if labels["__name__"] != name:
                continue
            text = ",".join(
                f'{label}="{grammar.escaped(value)}"'
                for label, value in labels.items()
                if label != "__name__"
            )
            lines += [
                f"{name}{{{text}}} {number * 1000 + step * (number % 7 + 1)} {BEGIN_S + step * STEP_S}"
                for step in range(STEPS)
            ]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Prometheus]]:
    """Two servers: the first has all series, the second the caller's alone."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    texts = {"both": history([*WORLD.mine, *WORLD.foreign], 1), "own": history(WORLD.mine, 1)}
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    with (
        prometheus(folder / "both", {}, blocks=folder / "both.txt") as both,
        prometheus(folder / "own", {}, blocks=folder / "own.txt") as own,
    ):
        yield both, own


class Client:
    """A client of the guard, as a user."""

    def __init__(self, url: str, client: httpx.AsyncClient, owned: Owned) -> None:
        self.url, self.client, self.owned = url, client, owned

    async def get(self, path: str, **parameters: Any) -> tuple[int, Any]:
        response = await self.client.get(f"{self.url}/api/v1/{path}", params=parameters)
        return response.status_code, response.json()

    async def post(self, path: str, url: str = "", /, **form: Any) -> tuple[int, Any]:
        response = await self.client.post(f"{self.url}/api/v1/{path}{url}", data=form)
        return response.status_code, response.json()

    async def data(self, path: str, **parameters: Any) -> Any:
        status, body = await self.get(path, **parameters)
        assert status == 200, body
        return body["data"]


@asynccontextmanager
async def guarding(
    upstream_url: str, user: Scope | None = None, settings: Settings | None = None, **limits: Any
) -> AsyncIterator[Client]:
    """Serve a guard before a Prometheus until the block ends."""
    owned = Owned()
    user = user or scope()

    async def scope_of(_: Caller) -> Scope:
        return user

    @web.middleware
    async def known(request: web.Request, handler: Any) -> web.StreamResponse:
        request[CALLER] = Caller("alice")
        response: web.StreamResponse = await handler(request)
        return response

    async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as client:
        upstream = Upstream(client, upstream_url, lambda: {"Authorization": "Bearer x"}, **limits)
        guard = Guard(settings or Settings(CLUSTER), owned, scope_of, upstream, lambda: NOW_S)
        application = web.Application(middlewares=[known])
        application.add_routes(guard.routes("/prometheus"))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/prometheus"
        try:
            yield Client(url, client, owned)
        finally:
            await runner.cleanup()


def nodes_in(result: Sequence[Mapping[str, Any]]) -> set[str]:
    return {one["metric"]["node"] for one in result}


async def test_a_user_sees_their_own_series(peers: tuple[Prometheus, Prometheus]) -> None:
    async with guarding(peers[0].url) as client:
        found = await client.data("query", query=CPU)
        assert {one["metric"]["unit"] for one in found["result"]} == set(MINE)
        assert nodes_in(found["result"]) == OWN_NODES
        times = {"start": BEGIN_S, "end": NOW_S, "step": "5m"}
        found = await client.data("query_range", query=f"rate({CPU}[5m])", **times)
        assert {one["metric"]["unit"] for one in found["result"]} == set(MINE)


@pytest.mark.parametrize(
    "query",
    [
        f'{CPU}{{unit="101"}} or {CPU}{{unit=~".+"}}',
        f'{CPU}{{unit=~".+"}}',
        f'{CPU}{{unit!~"x"}}',
        '{__name__=~".+",node=~".+"}',
        f'{{__name__="{CPU}",unit=~"101.*"}}',
        f"{CPU} @ {NOW_S - 600} offset -5m",
        f"topk(100, {CPU})",
        f"last_over_time(({CPU} > 0)[1h:1m])",
        f'{CPU}{{unit="101"}} unless {MEMORY}{{unit="101"}} or {CPU}',
    ],
)
async def test_a_user_gets_around_no_selector(
    peers: tuple[Prometheus, Prometheus], query: str
) -> None:
    assert nodes_in(peers[0].query(f"{CPU} @ {NOW_S}")) > OWN_NODES
    async with guarding(peers[0].url) as client:
        for status, body in (
            await client.get("query", query=query),
            await client.post("query", query=query),
        ):
            assert status == 200, body
            assert body["data"]["result"]
            assert nodes_in(body["data"]["result"]) == OWN_NODES


async def test_a_user_without_units_sees_nothing(peers: tuple[Prometheus, Prometheus]) -> None:
    async with guarding(peers[0].url, scope("newcomer")) as client:
        assert (await client.data("query", query=CPU))["result"] == []
        assert (await client.data("query", query='{__name__=~".+"}'))["result"] == []
        assert await client.data("series") == []
        assert await client.data("labels") == []
        assert await client.data("label/node/values") == []


async def test_a_caller_who_sees_all_queries_everything(
    peers: tuple[Prometheus, Prometheus],
) -> None:
    async with guarding(peers[0].url, scope("root", everything=True)) as client:
        found = await client.data("query", query='{__name__=~".+"}')
        assert len(found["result"]) == len(WORLD.mine) + len(WORLD.foreign)
        assert "up" in await client.data("label/__name__/values", start=BEGIN_S, end=NOW_S)
        assert client.owned.wanted == []


async def test_label_values_and_series_are_those_of_the_caller(
    peers: tuple[Prometheus, Prometheus],
) -> None:
    async with guarding(peers[0].url) as client:
        assert await client.data("label/node/values") == ["n-alice"]
        assert await client.data("label/unit/values") == sorted(MINE)
        assert await client.data("label/__name__/values") == sorted(NAMES)
        assert set(await client.data("labels")) == {"__name__", "unit", "owner", "node", "mode"}
        assert {one["node"] for one in await client.data("series")} == OWN_NODES
        every = {"match[]": ['{__name__=~".+"}', CPU, f'{MEMORY}{{unit=~".*"}}']}
        for path in ("series", "labels", "label/owner/values"):
            answer = json.dumps(await client.data(path, **every))
            assert "mallory" not in answer
            assert "system" not in answer
        assert await client.data("label/owner/values", **every) == ["alice"]


async def test_selectors_of_url_and_body_are_both_enforced(
    peers: tuple[Prometheus, Prometheus],
) -> None:
    async with guarding(peers[0].url) as client:
        url = f"?match[]={CPU}&match[]={MEMORY}"
        status, body = await client.post("series", url, **{"match[]": [CPU, '{node=~".+"}']})
        assert status == 200
        assert {one["node"] for one in body["data"]} == OWN_NODES
        status, body = await client.post("series", "?match[]=up", **{"match[]": CPU})
        assert status == 400
        status, body = await client.post("series", f"?match[]={CPU}", **{"match[]": "up"})
        assert status == 400


async def test_a_query_in_url_and_body_is_refused(peers: tuple[Prometheus, Prometheus]) -> None:
    async with guarding(peers[0].url) as client:
        status, body = await client.post("query", f"?query={CPU}", query=MEMORY)
        assert (status, body["error"]) == (400, "the parameter query is there twice")
        status, body = await client.get("query", query=[CPU, MEMORY])
        assert status == 400


@pytest.mark.parametrize(
    ("path", "parameters", "status", "words"),
    [
        ("query", {}, 400, "query is missing"),
        ("query", {"query": "up"}, 400, "up has no label of units"),
        ("query", {"query": CPU + "{"}, 400, "not understood"),
        ("query", {"query": f"{CPU}[1e300]"}, 400, "not understood"),
        ("query", {"query": CPU, "time": "soon"}, 400, "neither a Unix time"),
        ("query", {"query": CPU, "time": "NaN"}, 400, "out of range"),
        ("query", {"query": CPU, "time": "1e300"}, 400, "out of range"),
        ("query", {"query": CPU, "timeout": "-1"}, 400, "out of range"),
        ("query", {"query": CPU, "limit": "1; drop"}, 400, "limit is no number"),
        ("query_range", {"query": CPU, "start": 1, "step": 1}, 400, "start and end"),
        ("query_range", {"query": CPU, "start": 5, "end": 1, "step": 1}, 400, "end is before"),
        ("query_range", {"query": CPU, "start": 1, "end": 2}, 400, "not understood"),
        ("query_range", {"query": CPU, "start": 1, "end": 2, "step": "0"}, 400, "out of range"),
        ("query", {"query": CPU, "timeout": "99999999999999999y"}, 400, "not understood"),
        ("series", {"match[]": "up"}, 400, "up has no label"),
        ("series", {"match[]": f"rate({CPU}[5m])"}, 400, "no selector"),
        ("series", {"match[]": f"{CPU} offset 5m"}, 400, "neither"),
        ("series", {"match[]": f"{CPU} or up"}, 400, "no selector"),
        ("series", {"match[]": ""}, 400, "not understood"),
        ("series", {"match[]": [CPU] * 51}, 400, "more than 50"),
        ("label/a%2Fb/values", {}, 400, "label name"),
    ],
)
async def test_a_request_that_is_not_understood_is_refused_in_prometheus_s_words(
    path: str, parameters: dict[str, Any], status: int, words: str
) -> None:
    async with guarding("http://127.0.0.1:1") as client:
        found, body = await client.get(path, **parameters)
        assert (found, body["status"], body["errorType"]) == (status, "error", "bad_data")
        assert words in body["error"]


@pytest.mark.parametrize(
    "path",
    [
        "admin/tsdb/delete_series", "status/config", "targets", "rules", "alerts", "metadata",
        "query_exemplars", "write", "read", "format_query", "../../-/reload", "label//values",
        "query/", "status/tsdb", "series/..",
    ],
)  # fmt: skip
async def test_other_paths_are_none(path: str) -> None:
    async with guarding("http://127.0.0.1:1", scope("root", everything=True)) as client:
        for method in ("GET", "POST", "PUT", "DELETE"):
            response = await client.client.request(method, f"{client.url}/api/v1/{path}")
            assert response.status_code == 404, (method, path)


async def test_a_form_of_another_kind_is_refused() -> None:
    async with guarding("http://127.0.0.1:1") as client:
        response = await client.client.post(
            f"{client.url}/api/v1/query", files={"query": ("x", CPU.encode())}
        )
        assert response.status_code == 415
        response = await client.client.post(
            f"{client.url}/api/v1/query",
            content=b"query=%ff", headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        assert response.status_code == 400


async def test_units_are_those_of_all_that_a_query_reads() -> None:
    async with guarding("http://127.0.0.1:1") as client:
        await client.get("query", query=f"rate({CPU}[1h] offset 1d)", time=1_000_000)
        await client.get("query", query="1 + 1")
        await client.get("query_range", query=f'{CPU}{{unit="7"}}', start=0, end=900, step=1)
        await client.get("series", start=5_000_000, end=5_000_100)
        (rate, named, series) = client.owned.wanted
        assert rate == ((910_000, 913_601), (910_000, 913_601), None, 501)
        assert named == ((0, 901), (0, 901), {"7"}, 501)
        assert series[0] == (5_000_000, 5_000_101)
        assert series[1] == (5_000_000 - 31 * 86_400, 5_000_101 + 31 * 86_400)


async def test_too_many_units_are_refused_with_what_a_user_can_do(
    peers: tuple[Prometheus, Prometheus],
) -> None:
    async with guarding(peers[0].url) as client:
        client.owned.units = [str(number) for number in range(501)]
        for path, parameters in (("query", {"query": CPU}), ("series", {}), ("labels", {})):
            status, body = await client.get(path, **parameters)
            assert status == 422
            assert "more than 500 units" in body["error"]
        # One that is named is found however many there are.
        found = await client.data("query", query=f'{CPU}{{unit="101"}}')
        assert {one["metric"]["unit"] for one in found["result"]} == {"101"}
        client.owned.units = [str(number) for number in range(500)]
        assert (await client.get("query", query=CPU))[0] == 200


async def test_a_lookback_of_the_client_s_own_is_left_out() -> None:
    async with recorded({"status": "success", "data": []}) as (url, requests):
        async with guarding(url) as client:
            await client.get("query", query=CPU, lookback_delta="10y", stats="all", dedup="false")
            await client.post("query", query=CPU, time="1970-01-01T00:00:05.5Z", timeout="5m")
        assert [set(form) for _, _, form, _ in requests] == [
            {"query", "time"},
            {"query", "time", "timeout"},
        ]
        assert requests[1][2]["time"] == "5.500"
        assert requests[1][2]["timeout"] == "300.000s"


async def test_nothing_of_the_client_s_headers_is_passed_on() -> None:
    async with recorded({"status": "success", "data": []}) as (url, requests):
        async with guarding(url) as client:
            await client.client.get(
                f"{client.url}/api/v1/query", params={"query": CPU},
                headers={"Cookie": "a=b", "X-Grafana-Id": "t", "X-Scope-OrgID": "other",
                         "Authorization": "Bearer of the user"},
            )  # fmt: skip
        ((method, path, _, headers),) = requests
        assert (method, path) == ("POST", "/api/v1/query")
        assert headers["Authorization"] == "Bearer x"
        assert not {"Cookie", "X-Grafana-Id", "X-Scope-OrgID"} & set(headers)


@asynccontextmanager
async def recorded(
    body: Any = None, answer: Callable[[web.Request], web.StreamResponse] | None = None
) -> AsyncIterator[tuple[str, list[tuple[str, str, dict[str, str], Mapping[str, str]]]]]:
    """Serve what stands for a Prometheus that misbehaves, or whose requests are looked at."""
    requests: list[tuple[str, str, dict[str, str], Mapping[str, str]]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        form = {
            **request.query,
            **{name: str(value) for name, value in (await request.post()).items()},
        }
        requests.append((request.method, request.path, form, dict(request.headers)))
        if answer is None:
            return web.json_response(body)
        return answer(request)

    application = web.Application(client_max_size=2**24)
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", requests
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        web.Response(status=401, text="token abc is wrong"),
        web.Response(status=500, text="secret", content_type="application/json"),
        web.Response(status=200, text="<html>secret", content_type="text/html"),
        web.Response(status=404, text="secret"),
    ],
    ids=["redirect", "unauthorized", "failure", "page", "not found"],
)
async def test_an_answer_that_is_none_of_prometheus_is_not_passed_on(answer: web.Response) -> None:
    async with recorded(answer=lambda _: web.Response(
        status=answer.status, body=answer.body, headers=answer.headers
    )) as (url, requests), guarding(url) as client:  # fmt: skip
        status, body = await client.get("query", query=CPU)
        assert (status, body["errorType"]) == (502, "unavailable")
        assert "secret" not in body["error"]
        assert len(requests) == 1


async def test_an_error_of_prometheus_is_passed_on(peers: tuple[Prometheus, Prometheus]) -> None:
    async with guarding(peers[0].url) as client:
        times = {"start": 0, "end": 1e9, "step": 1}
        status, body = await client.get("query_range", query="1", **times)
        assert (status, body["errorType"]) == (400, "bad_data")
        assert "11,000" in body["error"]


async def test_a_prometheus_that_is_away_or_silent_is_an_error_in_time() -> None:
    async with guarding("http://127.0.0.1:1") as client:
        assert (await client.get("query", query=CPU))[0] == 502

    held = asyncio.Event()

    async def hold(_: web.Request) -> web.StreamResponse:
        await held.wait()
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", hold)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with guarding(url, deadline_s=0.2) as client:
        status, body = await client.get("query", query=CPU)
        assert (status, body["errorType"]) == (504, "timeout")
    held.set()
    await runner.cleanup()


async def test_an_answer_that_is_too_large_is_cut_and_never_whole() -> None:
    large = {"status": "success", "data": ["x" * 1000] * 1000}
    async with recorded(large) as (url, _):
        async with guarding(url, max_answer=2_000_000) as client:
            assert (await client.get("query", query=CPU))[1] == large
        async with guarding(url, max_answer=500_000) as client:
            with pytest.raises(httpx.HTTPError):
                await client.get("query", query=CPU)


async def test_random_queries_find_nothing_of_another_user_in_a_real_prometheus(
    peers: tuple[Prometheus, Prometheus],
) -> None:
    both, own = peers
    random, answered = Random(14), 0
    parameters: dict[str, Any]
    async with guarding(both.url) as one, guarding(own.url) as other:
        while answered < 200:
            query = grammar.query(random)
            if random.random() < 0.5:
                path, parameters = (
                    "query",
                    {"query": query, "time": NOW_S - random.randint(0, 3600)},
                )
            else:
                path = "query_range"
                parameters = {"query": query, "start": NOW_S - 3600, "end": NOW_S, "step": 600}
            first, second = await one.post(path, **parameters), await other.post(path, **parameters)
            assert first[0] == second[0], (query, first, second)
            if first[0] == 200:
                answered += bool(first[1]["data"]["result"])
                assert order(first[1]) == order(second[1]), query
            assert not {"mallory", "n-mallory", "system"} & words(first[1], query), query


def order(body: Any) -> Any:
    """Sort what has no order."""
    result = body["data"]["result"]
    if body["data"]["resultType"] in ("vector", "matrix"):
        result = sorted(result, key=lambda one: json.dumps(one, sort_keys=True))
    return result


def words(body: Any, query: str) -> set[str]:
    """Return the values of labels in an answer, but for those that the query itself writes."""
    result = body.get("data", {}).get("result", [])
    found = {value for one in result if isinstance(one, dict) for value in one["metric"].values()}
    return {value for value in found if value not in query}
