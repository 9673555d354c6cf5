"""slurmrestd as a server that a test writes: slices, clusters, and answers that are none."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.slurm.rest import SLICE_S, SlurmRestSource
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from tests.accounting.sources.slurm.records import BEGIN_S, Record, records
from tests.accounting.sources.slurm.rest_jobs import newer

DAY = Window(BEGIN_S, BEGIN_S + 4 * SLICE_S)
CLUSTERS = {"clusters": [{"name": "alpha"}], "errors": []}
PATHS: dict[str, object] = {"paths": {"/slurmdb/v0.0.42/jobs/": {}}}
Answer = Callable[[web.Request], bytes | tuple[int, bytes]]


def jobs_of(some: Sequence[Record]) -> Answer:
    """Answer as slurmdbd does, with what is of the window of the request."""

    def answer(request: web.Request) -> bytes:
        start_s, end_s = (int(request.query[f"{key}_time"][3:]) for key in ("start", "end"))
        listed = [
            newer(one)
            for one in some
            if one.submit_s <= end_s and (not one.end_s or one.end_s >= start_s)
        ]
        return json.dumps({"jobs": listed, "errors": [], "meta": {}}, indent=2).encode()

    return answer


@asynccontextmanager
async def slurmrestd(
    jobs: Answer, clusters: Any = CLUSTERS, cluster: str | None = None
) -> AsyncIterator[SlurmRestSource]:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/openapi/v3":
            return web.json_response(PATHS)
        if request.path.endswith("/clusters"):
            return web.json_response(clusters)
        answer = jobs(request)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return web.Response(status=status, body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    async with TestServer(app) as server:
        options = SlurmRestOptions(str(server.make_url("")).rstrip("/"), cluster=cluster)
        source = SlurmRestSource(options, Secrets(Path()))
        try:
            yield source
        finally:
            await source.close()


async def listed(source: SlurmRestSource) -> list[Unit]:
    return [unit async for batch in source.units(DAY) for unit in batch]


async def test_a_window_is_read_in_slices_and_each_unit_comes_once() -> None:
    some = records(5, 2000)
    long = Record(9999, BEGIN_S - 9, BEGIN_S + 3 * SLICE_S)
    async with slurmrestd(jobs_of([*some, long])) as source:
        units = await listed(source)
    truth = {
        unit.key
        for record in [*some, long]
        if (unit := record.unit())
        and unit.started_at_s < DAY.to_s
        and (unit.ended_at_s is None or unit.ended_at_s >= DAY.from_s)
    }
    assert len(truth) > 20
    assert sorted(unit.key for unit in units) == sorted(truth)


async def test_a_large_answer_comes_in_batches() -> None:
    some = [Record(number, BEGIN_S + 9, BEGIN_S + 60) for number in range(1, 6001)]
    async with slurmrestd(jobs_of(some)) as source:
        batches = [len(batch) async for batch in source.units(DAY)]
    assert sum(batches) == 6000
    assert len(batches) > 2


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
async def test_an_answer_that_was_cut_is_an_error(kept: float) -> None:
    def cut(request: web.Request) -> bytes:
        whole = jobs_of(records(5, 500))(request)
        assert isinstance(whole, bytes)
        return whole[: int(kept * len(whole))]

    async with slurmrestd(cut) as source:
        with pytest.raises(ReadError) as raised:
            await listed(source)
    assert raised.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b'{"errors": [{"error_number": 7000, "error": "x"}]}', Reason.UNREACHABLE),
        (b'{"jobs": [], "errors": [{"error_number": 1, "error": "Munge"}]}', Reason.AUTH_FAILED),
        (b'{"errors": []}', Reason.BAD_REPLY),
        (b'{"jobs": [{"job_id": "x"}]}', Reason.BAD_REPLY),
        (b"<html>", Reason.BAD_REPLY),
        ((401, b"Authentication failure"), Reason.AUTH_FAILED),
        ((502, b""), Reason.UNREACHABLE),
    ],
)
async def test_an_answer_that_is_no_list_of_jobs_is_an_error(
    answer: bytes | tuple[int, bytes], reason: Reason
) -> None:
    async with slurmrestd(lambda _: answer) as source:
        with pytest.raises(ReadError) as raised:
            await listed(source)
    assert raised.value.reason is reason


async def test_that_nothing_was_found_is_an_empty_list() -> None:
    nothing = b'{"jobs": [], "errors": [{"error_number": 9003, "error": "Nothing found"}]}'
    async with slurmrestd(lambda _: nothing) as source:
        assert await listed(source) == []


async def test_after_an_error_the_next_reading_is_another_try() -> None:
    answer, failures = jobs_of([Record(7, BEGIN_S, BEGIN_S + 60)]), [503]

    def first_fails(request: web.Request) -> bytes | tuple[int, bytes]:
        return (failures.pop(), b"") if failures else answer(request)

    async with slurmrestd(first_fails) as source:
        with pytest.raises(ReadError):
            await listed(source)
        assert [unit.id for unit in await listed(source)] == ["7"]


BOTH = {"clusters": [{"name": "alpha"}, {"name": "beta"}], "errors": []}


@pytest.mark.parametrize(
    ("clusters", "named", "expected"),
    [
        (BOTH, "beta", "beta"),
        (BOTH | {"meta": {"slurm": {"cluster": "alpha"}}}, None, "alpha"),
        (CLUSTERS, None, "alpha"),
    ],
)
async def test_one_cluster_is_always_named(clusters: Any, named: str | None, expected: str) -> None:
    seen = set()

    def answer(request: web.Request) -> bytes:
        seen.add(request.query["cluster"])
        return b'{"jobs": []}'

    async with slurmrestd(answer, clusters, named) as source:
        await listed(source)
    assert seen == {expected}


@pytest.mark.parametrize(("clusters", "named"), [(BOTH, None), (BOTH, "gamma")])
async def test_where_it_is_not_known_which_cluster_is_meant_there_is_an_error(
    clusters: Any, named: str | None
) -> None:
    async with slurmrestd(lambda _: b"", clusters, named) as source:
        with pytest.raises(ReadError, match="alpha, beta") as raised:
            await listed(source)
    assert raised.value.remedy is not None


async def test_jobs_of_another_cluster_are_left_out() -> None:
    jobs = [newer(Record(7, BEGIN_S, BEGIN_S + 60)) | {"cluster": "beta"}]
    async with slurmrestd(lambda _: json.dumps({"jobs": jobs}).encode()) as source:
        assert await listed(source) == []
