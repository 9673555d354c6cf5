"""Reports of jobs as the web server takes them: who may send one, what it may be, what is shown."""

import asyncio
import base64
import gzip
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.traces import FAMILIES
from rackwatt_exporter.store.traces import PROCESSES_PER_JOB
from rackwatt_exporter.web import traces
from rackwatt_exporter.web.rate_limit import RateLimit
from tests.eventually import PATIENCE_S, eventually
from tests.exporter.running_exporter import RunningExporter, rewrite
from tests.exporter.schedulers.model.test_trace import ORIGINAL

LOOPS = ("attended",)
BINDING = """apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: {name}}}
spec:
  cluster: {cluster}
  interval: 1h
  noop: {{}}
  tracing: {{enabled: true{more}}}
"""
TOKEN = ", tokenSecretRef: {name: trace, key: token}"
LISTED = SchedulerSnapshot(
    {}, jobs=(Job("1", "running", allocated=Resources(4, 2**30)), Job("8_3", "running"))
)


def binding(more: str = "", name: str = "prod", cluster: str = "alpha") -> str:
    return BINDING.format(name=name, cluster=cluster, more=more)


def write_token(directory: Path, token: str = "secret") -> None:
    (directory / "secrets/trace").mkdir(parents=True, exist_ok=True)
    rewrite(directory / "secrets/trace/token", token)


@asynccontextmanager
async def serving(
    directory: Path, more: str = ""
) -> AsyncIterator[tuple[RunningExporter, httpx.AsyncClient]]:
    (directory / "prod.yaml").write_text(binding(more))
    async with (
        RunningExporter(directory) as site,
        httpx.AsyncClient(base_url=site.url) as client,
    ):
        # The only poll of the scheduler: what a test lists afterwards stays.
        await site.until(lambda text: text == "ready\n", "/readyz")
        yield site, client


async def post(
    client: httpx.AsyncClient, path: str = "/trace", token: str = "", **fields: object
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await client.post(path, json={**ORIGINAL, **fields}, headers=headers)


def list_jobs(site: RunningExporter, snapshot: SchedulerSnapshot = LISTED) -> None:
    site.exporter.schedulers.succeeded("prod", snapshot, 0.1)


async def test_a_report_of_a_listed_job_is_on_the_page_and_among_the_metrics(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (site, client):
        list_jobs(site)
        reply = await post(client, job_id=1, step="0", rank=2, cpus=250)
        assert (reply.status_code, reply.json()) == (200, {"listed": True})
        labels = (
            '{scheduler="prod",cluster="alpha",jobid="1",step="0",node="cs2",rank="2",pid="10"}'
        )
        text = await site.text()
        assert f"rackwatt_scheduler_trace_used_cpus{labels} 2.5\n" in text
        assert (
            'rackwatt_scheduler_trace_reports_total{scheduler="prod",cluster="alpha",result="accepted"} 1\n'
            in text
        )
        page = await client.get("/trace", headers={"Accept": "text/html"})
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<td>alice</td>" in page.text
        (process,) = (await client.get("/trace?format=json")).json()["processes"]
        assert (process["job_id"], process["listed"], process["cpus"]) == ("1", True, 250)


async def test_the_families_of_traces_are_valid_openmetrics(tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "processes": 3,
        "gpus": 1,
        "gpu_mem": 1,
        "gpu_joules": 2.5,
        "node_joules": 7,
    }
    async with serving(tmp_path) as (site, client):
        list_jobs(site)
        assert (await post(client, job_id=1, step='"} 1\n', **fields)).status_code == 200
        text = await site.text("/metrics", Accept="application/openmetrics-text")
        found = {family.name: family for family in parse_openmetrics(text)}
        served = {
            f"{name}_total" if it.type == "counter" else name
            for name, it in found.items()
            if it.samples
        }
        assert {family.name for family in FAMILIES} <= served
        energy = found["rackwatt_scheduler_trace_node_energy_joules"]
        assert (energy.type, energy.unit) == ("counter", "joules")
        assert energy.samples[0].value == 7
        assert energy.samples[0].labels["step"] == '"} 1'


async def test_the_pattern_of_the_document_excludes_families_of_traces(tmp_path: Path) -> None:
    async with serving(tmp_path) as (site, client):
        assert (await post(client)).status_code == 200
        assert "trace_memory_bytes{" in await site.text()
        pattern = binding().replace(
            "noop: {}", "noop: {}\n  metrics: {exclude: '.*_trace_(mem|jobs).*'}"
        )
        (tmp_path / "prod.yaml").write_text(pattern)
        await site.exporter.reload()
        text = await site.text()
        assert "trace_memory_bytes" not in text
        assert "trace_jobs" not in text
        assert "trace_threads{" in text


async def test_two_hosts_and_ranks_of_one_job_do_not_overwrite_each_other(tmp_path: Path) -> None:
    async with serving(tmp_path) as (site, client):
        list_jobs(site)
        for host, rank in (("cs1", 0), ("cs1", 1), ("cs2", 2)):
            assert (await post(client, job_id=1, hostname=host, rank=rank)).status_code == 200
        text = await site.text()
        nodes = re.findall(
            r'^rackwatt_scheduler_trace_threads.*node="(\w+)",rank="(\d)"', text, re.MULTILINE
        )
        assert sorted(nodes) == [("cs1", "0"), ("cs1", "1"), ("cs2", "2")]


async def test_a_job_that_the_scheduler_does_not_list_is_not_served_and_the_answer_says_so(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (site, client):
        list_jobs(site)
        reply = await post(client, job_id=99)
        assert reply.json() == {
            "listed": False, "message": "the scheduler does not list job 99: it is not served",
        }  # fmt: skip
        text = await site.text()
        assert 'jobid="99"' not in text
        assert (
            'rackwatt_scheduler_trace_jobs{scheduler="prod",cluster="alpha",listed="no"} 1\n'
            in text
        )
        assert (
            "Not served: the scheduler does not list these jobs"
            in (await client.get("/trace")).text
        )
        list_jobs(site, SchedulerSnapshot({}, jobs=(Job("99", "running"),)))
        assert 'jobid="99"' in await site.text()


async def test_jobs_are_served_while_those_of_the_scheduler_are_not_known(tmp_path: Path) -> None:
    async with serving(tmp_path) as (site, client):
        assert (await post(client, job_id=5)).json() == {"listed": None}
        assert 'jobid="5"' in await site.text()
        list_jobs(site)
        assert 'jobid="5"' not in await site.text()
        record = site.exporter.schedulers.records["prod"]
        site.exporter.schedulers.failed("prod", ReadError(Reason.TIMEOUT, "silent"), 1.0)
        assert record.read_at_s is not None
        record.read_at_s -= 4 * 3600
        text = await site.text()
        assert 'jobid="5"' in text
        assert (
            'rackwatt_scheduler_trace_jobs{scheduler="prod",cluster="alpha",listed="unknown"} 1\n'
            in text
        )


ARRAY = SchedulerSnapshot(
    {}, jobs=(Job("8_3", "running", array="8", number="9"),)
)  # fmt: skip


async def test_a_task_of_an_array_is_found_by_the_number_that_the_original_wrapper_reports(
    tmp_path: Path,
) -> None:
    """SLURM_JOB_ID of the task 8_3 is 9, by which no user knows it."""
    async with serving(tmp_path) as (site, client):
        list_jobs(site, ARRAY)
        assert (await post(client, job_id=9, cpus=250)).json() == {"listed": True}
        text = await site.text()
        assert (
            'rackwatt_scheduler_trace_used_cpus{scheduler="prod",cluster="alpha",jobid="8_3"'
            in (text)
        )
        assert 'jobid="9"' not in text
        (process,) = (await client.get("/trace?format=json")).json()["processes"]
        assert (process["job_id"], process["listed"]) == ("8_3", True)


async def test_a_report_that_comes_before_its_task_is_listed_gets_the_id_once_it_is(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as (site, client):
        list_jobs(site)
        assert (await post(client, job_id=9)).json()["listed"] is False
        assert "jobid=" not in await site.text()
        list_jobs(site, ARRAY)
        assert 'jobid="8_3"' in await site.text()
        list_jobs(site, SchedulerSnapshot({}))  # its jobs are not known
        assert (await post(client, job_id=9, mem=77)).json() == {"listed": None}
        text = await site.text()
        assert 'jobid="9"' not in text
        assert re.search('trace_memory_bytes{.*jobid="8_3".*} 77.0\n', text)


async def test_a_process_that_is_reported_by_number_and_by_id_is_served_once(
    tmp_path: Path,
) -> None:
    """Two series of one process would make the whole page invalid."""
    async with serving(tmp_path) as (site, client):
        list_jobs(site, ARRAY)
        await post(client, job_id=9, mem=1)
        await post(client, job_id="8_3", mem=2)
        found = re.findall(
            "^rackwatt_scheduler_trace_memory_bytes.*", await site.text(), re.MULTILINE
        )
        assert len(found) == 1
        assert found[0].endswith(" 2.0")


async def test_a_script_in_a_report_is_text_on_the_page(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    async with serving(tmp_path) as (_, client):
        fields = dict.fromkeys(("username", "hostname", "step", "job_id"), script)
        assert (await post(client, **fields)).status_code == 200
        page = await client.get("/trace")
        assert "<script" not in page.text
        assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        (b"", "application/json", 400, "truncated"),
        (b"{}", "application/json", 400, "job_id"),
        (b"<script>", "application/json", 400, "malformed"),
        (b"\xff\xfe\x00", "application/json", 400, "invalid report"),
        (b"[" * 4000, "application/json", 400, "invalid report"),
        (b'{"job_id": 1, "pid": 1, "hostname": "a", "mem": -1}', "application/json", 400, "$.mem"),
        (b"pid=1&job_id=2", "application/x-www-form-urlencoded", 415, "application/json"),
        (b"{}", "text/plain", 415, "application/json"),
        (b" " * 5000, "application/json", 413, "4096 bytes"),
        (b" " * 100_000, "application/json", 413, ""),
    ],
)  # fmt: skip
async def test_junk_is_answered_with_its_reason(
    tmp_path: Path, body: bytes, content_type: str, status: int, words: str
) -> None:
    async with serving(tmp_path) as (site, client):
        headers = {"Content-Type": content_type}
        reply = await client.post("/trace", content=body, headers=headers)
        assert reply.status_code == status
        assert words in reply.text
        assert (await client.get("/trace?format=json")).json()["processes"] == []
        assert (await post(client)).status_code == 200
        results = (await site.json())["schedulers"][0]["tracing"]["reports"]
        assert results["accepted"] == 1


async def test_a_body_in_chunks_is_bounded_as_well(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 1000

    async with serving(tmp_path) as (_, client):
        headers = {"Content-Type": "application/json"}
        reply = await client.post("/trace", content=chunks(), headers=headers)
        assert reply.status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_a_body_that_cannot_be_decompressed_is_400(tmp_path: Path, encoding: str) -> None:
    async with serving(tmp_path) as (_, client):
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        reply = await client.post("/trace", content=b"\x00\x01junk", headers=headers)
        assert reply.status_code == 400


async def test_a_body_that_grows_when_it_is_decompressed_is_bounded(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, client):
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        body = gzip.compress(b" " * 3_000_000)
        assert len(body) < 4096
        reply = await client.post("/trace", content=body, headers=headers)
        assert reply.status_code == 413
        report = gzip.compress(json.dumps(ORIGINAL).encode())
        assert (await client.post("/trace", content=report, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "head", ["Content-Length: 9\r\n\r\nab", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"]
)
async def test_a_client_that_leaves_in_the_middle_of_a_report_is_no_error(
    tmp_path: Path, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as (site, client):
        url = httpx.URL(site.url)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(
            f"POST /trace HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}".encode()
        )
        await eventually(lambda: site.app._traces._reading)
        writer.transport.abort()
        await eventually(lambda: not site.app._traces._reading)
        counts = (await site.json())["schedulers"][0]["tracing"]["reports"]
        assert counts == {"invalid": 1}
        assert (await post(client)).status_code == 200
    assert "Error handling request" not in caplog.text


async def test_a_body_that_does_not_come_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "_BODY_S", 0.1)
    async with serving(tmp_path) as (site, _):
        url = httpx.URL(site.url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        head = b"POST /trace HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        writer.write(head)
        async with asyncio.timeout(PATIENCE_S):
            assert b" 408 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_405(tmp_path: Path, method: str) -> None:
    async with serving(tmp_path) as (_, client):
        reply = await client.request(method, "/trace")
        assert reply.status_code == 405
        assert set(reply.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}


async def test_a_path_at_which_nothing_is_traced_is_404(tmp_path: Path) -> None:
    async with serving(tmp_path, ", path: /jobs/trace") as (site, client):
        assert (await post(client)).status_code == 404
        assert (await post(client, "/jobs/trace")).status_code == 200
        (tmp_path / "prod.yaml").write_text(binding(", path: /other"))
        await site.exporter.reload()
        assert (await post(client, "/jobs/trace")).status_code == 404
        found = (await client.get("/other?format=json")).json()["processes"]
        assert len(found) == 1
        (tmp_path / "prod.yaml").write_text(binding().replace("true", "false"))
        await site.exporter.reload()
        assert (await client.get("/other")).status_code == 404
        assert "scheduler_trace" not in await site.text()


async def test_a_report_needs_the_token_of_the_document(tmp_path: Path) -> None:
    write_token(tmp_path, "s3cret\n")
    async with serving(tmp_path, TOKEN) as (site, client):
        for token in ("", "wrong", "s3cret2", "S3CRET", "é"):
            headers = {b"Authorization": f"Bearer {token}".encode()} if token else {}
            reply = await client.post("/trace", json=ORIGINAL, headers=headers)
            assert reply.status_code == 401
            assert reply.headers["WWW-Authenticate"] == 'Bearer realm="rackwatt"'
            assert "s3cret" not in reply.text
        basic = base64.b64encode(b"u:s3cret").decode()
        reply = await client.post(
            "/trace", json=ORIGINAL, headers={"Authorization": f"Basic {basic}"}
        )
        assert reply.status_code == 401
        assert (await post(client, token="s3cret")).status_code == 200
        assert (await client.get("/trace")).status_code == 200
        counts = (await site.json())["schedulers"][0]["tracing"]["reports"]
        assert counts == {"unauthorized": 6, "accepted": 1}


async def test_a_token_that_was_rotated_counts_at_once(tmp_path: Path) -> None:
    write_token(tmp_path, "old")
    async with serving(tmp_path, TOKEN) as (_, client):
        assert (await post(client, token="old")).status_code == 200
        write_token(tmp_path, "new")
        assert (await post(client, token="old")).status_code == 401
        assert (await post(client, token="new")).status_code == 200


@pytest.mark.parametrize("token", [None, "", "\n"])
async def test_without_the_token_itself_no_report_is_accepted_and_the_status_names_it(
    tmp_path: Path, token: str | None
) -> None:
    if token is not None:
        write_token(tmp_path, token)
    async with serving(tmp_path, TOKEN) as (site, client):
        for given in ("", "x"):
            reply = await post(client, token=given)
            assert reply.status_code == 503
        status = await site.json()
        (missing,) = status["secrets_missing"]
        assert (missing["secret"], missing["key"]) == ("trace", "token")
        assert missing["first_reference"] == "SchedulerBinding prod"
        assert status["schedulers"][0]["tracing"]["reason"] == "credentials_missing"
        write_token(tmp_path, "now")
        assert (await post(client, token="now")).status_code == 200
        assert (await site.json())["secrets_missing"] == []


async def test_a_host_that_floods_is_limited(tmp_path: Path) -> None:
    async with serving(tmp_path) as (site, client):
        site.app._traces._limit = RateLimit(0.001, 5)
        codes = [(await post(client)).status_code for _ in range(8)]
        assert codes == [200] * 5 + [429] * 3
        reply = await post(client)
        assert reply.headers["Retry-After"] == "1"
        assert "report less often" in reply.text
        assert (await client.get("/trace")).status_code == 200


async def test_no_more_jobs_and_processes_are_kept_than_allowed(tmp_path: Path) -> None:
    async with serving(tmp_path, ", maxJobs: 1") as (_, client):
        for pid in range(1, PROCESSES_PER_JOB + 1):
            assert (await post(client, pid=pid)).status_code == 200
        assert (await post(client, pid=99)).status_code == 429
        reply = await post(client, job_id=2)
        assert (reply.status_code, reply.text) == (429, "no room for another job: maxJobs is 1\n")


async def test_slow_bodies_leave_room_for_scrapes(tmp_path: Path) -> None:
    async with serving(tmp_path) as (site, client):
        url = httpx.URL(site.url)
        head = b"POST /trace HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        writers = []
        for _ in range(traces._MAX_READING):
            _, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(head)
            writers.append(writer)
        async with asyncio.timeout(PATIENCE_S):
            while (await post(client)).status_code != 429:
                await asyncio.sleep(0.01)
        assert (await client.get("/metrics")).status_code == 200
        for writer in writers:
            writer.transport.abort()


async def test_a_report_of_another_cluster_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as (site, client):
        list_jobs(site, SchedulerSnapshot({}, cluster="toy", jobs=LISTED.jobs))
        reply = await post(client, job_id=1, cluster="elsewhere")
        assert (reply.status_code, reply.text) == (
            400, "invalid report: this is cluster toy, and the report is of another one\n",
        )  # fmt: skip
        for cluster in ("toy", "alpha", ""):
            assert (await post(client, job_id=1, cluster=cluster)).status_code == 200


async def test_two_bindings_have_their_paths_and_one_path_has_one_binding(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(binding(name="x", cluster="x", more=", path: /x"))
    (tmp_path / "y.yaml").write_text(binding(name="y", cluster="y", more=", path: /trace"))
    async with serving(tmp_path) as (site, client):
        assert (await post(client, "/x")).status_code == 200
        assert (await post(client)).status_code == 200
        text = await site.text()
        assert 'trace_threads{scheduler="x",cluster="x"' in text
        assert 'trace_threads{scheduler="prod",cluster="alpha"' in text
        (problem,) = site.exporter.fleet.problems
        assert "spec.tracing.path: /trace is already the path of SchedulerBinding 'prod'" in problem


@pytest.mark.parametrize(
    ("accept", "query", "form"),
    [
        ("*/*", "", "text/html"),
        ("text/html,application/json;q=0.9", "", "text/html"),
        ("application/json", "", "application/json"),
        ("text/html", "?format=json", "application/json"),
        ("application/json", "?format=html", "text/html"),
    ],
)
async def test_traces_are_a_page_or_json_as_the_client_wants(
    tmp_path: Path, accept: str, query: str, form: str
) -> None:
    async with serving(tmp_path) as (_, client):
        reply = await client.get(f"/trace{query}", headers={"Accept": accept})
        assert reply.headers["Content-Type"].startswith(form)
        assert reply.headers["Vary"] == "Accept"
        assert (await client.head("/trace")).content == b""
        assert (await client.get("/trace?format=xml")).status_code == 400


async def test_the_json_of_traces_has_every_field(tmp_path: Path) -> None:
    async with serving(tmp_path) as (site, client):
        list_jobs(site)
        await post(client, job_id="8_3")
        found = (await client.get("/trace?format=json")).json()
        assert set(found) == {"scheduler", "cluster", "stale_after_s", "processes"}
        (process,) = found["processes"]
        assert {*ORIGINAL, "step", "rank", "processes", "node_joules", "listed", "age_s"} <= set(
            process
        )
        assert json.dumps(process["rank"]) == "null"
