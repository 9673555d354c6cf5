"""Jobs of a real Slurm, their I/O in a real Prometheus, and the page that joins them."""

import asyncio
import ssl
import subprocess
from collections import Counter as Counted
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from tests.eventually import eventually
from tests.exporter.commands.exporter_process import COMMAND
from tests.exporter.running_exporter import RunningExporter, rewrite
from tests.exporter.web.tls_files import GOS_HASH, PASSWORD, TLS, WebFiles
from tests.peers.lustre_exporter import (
    READ,
    WRITE,
    Counter,
    LustreExporter,
    lustre_exporter,
    scraping,
)
from tests.peers.prometheus import Prometheus, prometheus
from tests.peers.slurm import SlurmCluster

LOOPS = ("attended",)
OSTS = ("hebe-OST0000", "hebe-OST0001")
MDT = "hebe-MDT0000"
ABSENT = 4_000_000_123  # a uid without an entry
# Two bindings of one Slurm: `strict` drops a job as soon as it is not listed.
DOCUMENTS = """
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec:
  {common}
  lustre: {{prometheusURL: "{url}", grace: 5m}}
---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: strict}}
spec:
  {common}
  lustre: {{prometheusURL: "{url}", grace: 0s, jobid: ["%j", "%j:%e.%u"]}}
"""
COMMON = "cluster: alpha\n  interval: 300ms\n  timeout: 2s\n  staleAfter: 900ms\n  slurm: {cli: {}}"


def io(jobid: str, number: int) -> dict[Counter, float]:
    """Return the rates of a job id: `number` MB/s read, as much written twice, ten operations."""
    return {
        **{Counter.of_storage(READ, jobid, ost): number * 500_000.0 for ost in OSTS},
        **{Counter.of_storage(WRITE, jobid, ost): number * 1_000_000.0 for ost in OSTS},
        Counter.of_metadata(jobid, MDT, "open"): 5.0 * number,
        Counter.of_metadata(jobid, MDT, "close"): 5.0 * number,
        Counter.of_metadata(jobid, OSTS[0], "punch"): 1000.0,  # no metadata target
    }


class Peers(NamedTuple):
    """Slurm, the Lustre, the Prometheus that scrapes it, and the exporter's documents."""

    slurm: SlurmCluster
    lustre: LustreExporter
    prometheus: Prometheus
    directory: Path

    async def set(self, *rates: dict[Counter, float]) -> None:
        """Set rates, and wait until Prometheus has them."""
        every = {counter: rate for one in rates for counter, rate in one.items()}
        self.lustre.set(every)
        read = sum(rate for counter, rate in every.items() if counter.family == READ)
        await eventually(lambda: total(self.prometheus) == pytest.approx(read, rel=1e-9))

    @asynccontextmanager
    async def exporting(self) -> AsyncIterator[RunningExporter]:
        async with RunningExporter(self.directory) as running:
            yield running


def total(peer: Prometheus) -> float:
    (sample,) = peer.query(f"sum(irate({READ}[1m])) or vector(0)")
    return float(sample["value"][1])


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmCluster]:
    with SlurmCluster("n[1-2]", more="MinJobAge=2\n") as cluster:
        yield cluster


@pytest.fixture
def peers(slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peers]:
    monkeypatch.setenv("SLURM_CONF", str(slurm.configuration))
    directory = tmp_path / "documents"
    directory.mkdir()
    with (
        lustre_exporter({}) as lustre,
        prometheus(tmp_path / "prometheus", scraping(lustre)) as peer,
    ):
        text = DOCUMENTS.format(url=peer.url, common=COMMON)
        (directory / "slurm.yaml").write_text(text)
        yield Peers(slurm, lustre, peer, directory)
    slurm.cancel("--user=root")


Series = dict[tuple[str, ...], float]


def series(page: str, name: str, binding: str = "prod") -> Series:
    """Return the series of a family by the values of its own labels, in the order of their names."""
    return {
        tuple(value for label, value in sorted(one.labels.items()) if label not in COMMON_LABELS):
            one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
        if one.name == name and one.labels.get("scheduler") == binding
    }  # fmt: skip


COMMON_LABELS = ("scheduler", "cluster")


def ok(page: str, binding: str = "prod") -> bool:
    return series(page, "cluster_exporter_scrape_ok", binding) == {(): 1}


def by_reason(page: str, name: str, binding: str = "prod") -> dict[str, float]:
    found = series(page, f"rackwatt_lustre_unmatched_{name}", binding)
    return {reason: value for (reason,), value in found.items() if value}


async def test_io_of_real_jobs_and_processes_is_exactly_that_of_the_file_system(
    peers: Peers,
) -> None:
    job = peers.slurm.submit("-n1", "--mem=100", "--account=my project")
    array = peers.slurm.submit("--array=1-2", "-n1", "--mem=100", "--account=chem")
    wanted = {f"{array}_1", f"{array}_2", job}
    peers.slurm.wait(lambda: wanted <= running_jobs(peers.slurm).keys(), "jobs to run")
    task = running_jobs(peers.slurm)[f"{array}_1"]  # what SLURM_JOB_ID is there
    await peers.set(
        io(job, 1), io(f"{job}:my.app.{ABSENT}", 2), io(task, 4),
        io("rsync.0", 8), io(f"my.app.v2.{ABSENT}", 16),
        io("cn0001:7", 32), io("9999999", 64),
    )  # fmt: skip
    async with peers.exporting() as running:
        page = await running.until(lambda text: len(series(text, JOB_READ)) == 2)
    assert ok(page)
    mine, chem = ("my project", "root"), ("chem", "root")
    root, absent = ("root", "rsync", "root"), ("", "my.app.v2", str(ABSENT))
    for name, unit in (("read_throughput_bytes", 1e6), ("write_throughput_bytes", 2e6)):
        assert series(page, f"cluster_job_{name}") == approximately({mine: 3, chem: 4}, unit)
        assert series(page, f"cluster_proc_{name}") == approximately({root: 8, absent: 16}, unit)
    operations = {(account, MDT, user): 10 * n for (account, user), n in ((mine, 3), (chem, 4))}
    assert series(page, "cluster_job_metadata_operations") == operations
    assert series(page, "cluster_proc_metadata_operations") == {
        ("root", "rsync", MDT, "root"): 80,
        ("", "my.app.v2", MDT, str(ABSENT)): 160,
    }
    lost = {"unknown_format": 32, "unknown_job": 64}
    assert by_reason(page, "read_bytes_per_second") == approximately(lost, 1e6)
    assert by_reason(page, "write_bytes_per_second") == approximately(lost, 2e6)
    assert by_reason(page, "metadata_operations_per_second") == approximately(lost, 10)
    assert by_reason(page, "jobids") == {"unknown_format": 1, "unknown_job": 1}
    stages = series(page, "cluster_exporter_stage_execution_seconds")
    assert {name for (name,) in stages} == {
        "retrieve_running_jobs", "retrieve_user_name_info", "retrieve_group_name_info",
        "build_metadata_metrics", "build_read_throughput_metrics",
        "build_write_throughput_metrics",
    }  # fmt: skip


JOB_READ = "cluster_job_read_throughput_bytes"


def both_know_the_job(page: str) -> bool:
    return all(series(page, JOB_READ, binding) for binding in ("prod", "strict"))


def approximately(counts: dict[Any, int], unit: float) -> Any:
    """Return the sums of rates, which irate divides by a difference of times."""
    return pytest.approx({labels: count * unit for labels, count in counts.items()}, rel=1e-9)


def running_jobs(slurm: SlurmCluster) -> dict[str, str]:
    """Return the number of each running job by the id that users know."""
    shown = [
        dict(word.split("=", 1) for word in line.split() if "=" in word)
        for line in slurm.scontrol("show", "job", "-o").splitlines()
        if "JobState=RUNNING" in line
    ]
    return {
        f"{one['ArrayJobId']}_{one['ArrayTaskId']}" if "ArrayTaskId" in one else one["JobId"]:
            one["JobId"]
        for one in shown
    }  # fmt: skip


async def test_a_cluster_without_a_job_has_the_io_of_processes(peers: Peers) -> None:
    peers.slurm.wait(lambda: "JobId=" not in peers.slurm.scontrol("show", "job"), "an empty queue")
    await peers.set(io("rsync.0", 1), io("7", 2))
    async with peers.exporting() as running:
        page = await running.until(lambda text: ok(text) and "cluster_proc_read" in text)
    assert series(page, JOB_READ) == {}
    assert series(page, "cluster_proc_read_throughput_bytes") == approximately(
        {("root", "rsync", "root"): 1}, 1e6
    )
    assert by_reason(page, "jobids") == {"unknown_job": 1}


async def test_a_file_system_without_io_is_no_failure_and_said(peers: Peers) -> None:
    async with peers.exporting() as running:
        page = await running.until(ok)
        (one, _) = (await running.json())["lustre"]
    assert series(page, JOB_READ) == {}
    assert one["jobids"] == {}
    assert "does this Prometheus scrape lustre_exporter?" in one["note"]


async def test_a_job_that_ended_keeps_its_io_for_the_grace(peers: Peers) -> None:
    job = peers.slurm.submit("-n1", "--mem=100", "--account=chem")
    peers.slurm.wait(lambda: job in running_jobs(peers.slurm), "the job to run")
    await peers.set(io(job, 1))
    async with peers.exporting() as running:
        await running.until(both_know_the_job)
        peers.slurm.cancel(job)
        page = await running.until(lambda text: by_reason(text, "jobids", "strict") != {})
    assert series(page, JOB_READ) == approximately({("chem", "root"): 1}, 1e6)
    assert by_reason(page, "jobids") == {}
    assert series(page, JOB_READ, "strict") == {}
    assert by_reason(page, "read_bytes_per_second", "strict") == approximately(
        {"unknown_job": 1}, 1e6
    )


async def test_a_prometheus_that_hangs_holds_up_neither_page_nor_scheduler(peers: Peers) -> None:
    await peers.set(io("rsync.0", 1))
    async with peers.exporting() as running:
        await running.until(lambda text: ok(text) and "cluster_proc_read" in text)
        with peers.prometheus.frozen():
            before = await reads(running)
            page = await running.until(lambda text: not ok(text) and "cluster_proc" not in text)
            assert series(page, "rackwatt_lustre_errors_total")["timeout",] >= 1
            assert series(page, "rackwatt_scheduler_up") == {(): 1}
            assert await reads(running) > before + 1
            (one, _) = (await running.json())["lustre"]
            assert (one["reason"], one["jobids"]) == ("timeout", None)
        page = await running.until(ok)
    assert series(page, "cluster_proc_read_throughput_bytes")


async def reads(running: RunningExporter) -> int:
    """Return how often the scheduler has answered."""
    return int((await running.json())["schedulers"][0]["reads"])


async def test_processes_have_their_io_while_the_scheduler_is_silent(peers: Peers) -> None:
    job = peers.slurm.submit("-n1", "--mem=100", "--account=chem")
    peers.slurm.wait(lambda: job in running_jobs(peers.slurm), "the job to run")
    await peers.set(io("rsync.0", 1), io(job, 2))
    async with peers.exporting() as running:
        await running.until(both_know_the_job)
        with peers.slurm.frozen("slurmctld"):
            page = await running.until(
                lambda text: (
                    "scheduler_unavailable" in by_reason(text, "jobids", "strict") and not ok(text)
                )
            )
            (one, _) = (await running.json())["lustre"]
    assert one["reason"] == "timeout"
    assert one["message"].startswith("jobs are not known: ")
    assert series(page, "cluster_proc_read_throughput_bytes") == approximately(
        {("root", "rsync", "root"): 1}, 1e6
    )
    assert series(page, JOB_READ) == approximately({("chem", "root"): 2}, 1e6)  # the grace
    assert by_reason(page, "read_bytes_per_second", "strict") == approximately(
        {"unknown_format": 1, "scheduler_unavailable": 2}, 1e6
    )


SECURED = """
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec:
  cluster: alpha
  interval: 300ms
  timeout: 5s
  noop: {{}}
  lustre:
    prometheusURL: "{url}"
    jobid: [procname_uid]
    credentials: {{secretRef: {{name: reader}}}}
    tls: {{caSecretRef: {{name: site-ca}}}}
"""


async def test_a_secret_that_is_corrected_counts_and_is_shown_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = WebFiles(tmp_path)
    config = files.write(tls_server_config=TLS, basic_auth_users={"reader": GOS_HASH})
    context = ssl.create_default_context(cafile=files.authority_file)
    directory = tmp_path / "documents"
    secrets = directory / "secrets"
    for name, key, value in (
        ("site-ca", "ca.crt", files.authority_file.read_text()),
        ("reader", "username", "reader"),
        ("reader", "password", "not-the-passphrase"),
    ):
        (secrets / name).mkdir(parents=True, exist_ok=True)
        (secrets / name / key).write_text(value)
    access: dict[str, Any] = {"verify": context, "auth": ("reader", PASSWORD)}
    with prometheus(tmp_path / "prometheus", {}, config, **access) as peer:
        (directory / "secured.yaml").write_text(SECURED.format(url=peer.url))
        async with RunningExporter(directory) as running:
            page = await running.until(
                lambda text: ("auth_failed",) in series(text, "rackwatt_lustre_errors_total")
            )
            status = await running.text("/status")
            rewrite(secrets / "reader/password", PASSWORD)
            page += await running.until(ok)
            status += await running.text("/status")
    assert "rejects the log-in" in status
    for secret in ("not-the-passphrase", PASSWORD):
        assert secret not in page + status + caplog.text


async def test_one_query_of_each_measure_is_open_however_many_scrapes_there_are(
    tmp_path: Path,
) -> None:
    current: Counted[str] = Counted()
    highest: Counted[str] = Counted()

    async def never(request: web.Request) -> web.Response:
        query = request.query["query"]
        current[query] += 1
        highest[query] = max(highest[query], current[query])
        try:
            await asyncio.sleep(600)
        finally:
            current[query] -= 1
        return web.Response()

    application = web.Application()
    application.router.add_get("/api/v1/query", never)
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    text = (
        SECURED.format(url=url)
        .partition("    credentials")[0]
        .replace("timeout: 5s", "timeout: 1s")
    )
    (tmp_path / "slow.yaml").write_text(text)
    try:
        async with RunningExporter(tmp_path) as running:
            pages = [await running.text() for _ in range(20)]
            page = await running.until(
                lambda text: series(text, "rackwatt_lustre_errors_total").get(("timeout",), 0) >= 2
            )
    finally:
        await runner.cleanup()
    assert len(highest) == 3
    assert set(highest.values()) == {1}
    assert not any(map(ok, [*pages, page]))


async def test_check_shows_how_many_job_ids_were_joined_or_the_reason(peers: Peers) -> None:
    job = peers.slurm.submit("-n1", "--mem=100")
    peers.slurm.wait(lambda: job in running_jobs(peers.slurm), "the job to run")
    await peers.set(io(job, 1), io("rsync.0", 2), io("x", 4))
    path = peers.directory / "slurm.yaml"
    path.write_text(path.read_text().replace("timeout: 2s", "timeout: 60s"))
    command = [*COMMAND, "check", str(path)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "3 job ids with I/O: 1 of jobs, 1 of processes, 1 unmatched" in done.stdout
    path.write_text(path.read_text().replace(peers.prometheus.url, "http://127.0.0.1:9"))
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "connection_refused: cannot connect: Connection refused" in done.stdout
