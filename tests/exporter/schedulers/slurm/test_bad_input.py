"""What Slurm may be like on a bad day: a real one, by its commands and by slurmrestd."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.auth import sign_jwt
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from rackwatt_exporter.schedulers.views.jobs import job_counts
from tests.eventually import PATIENCE_S, eventually
from tests.peers.slurm import SlurmCluster

LOOPS = ("attended",)
LONG_NAME = "node-of-the-row-17-in-the-far-hall-of-the-old-building-rack-"  # of 60 letters
NODES = {"n1", LONG_NAME}
KEY = SecretKey("slurm", "jwt_hs256.key")
TOKEN = SecretKey("slurm", "token")
# Long enough for sinfo on a busy machine: the next one is taken where one was not.
TIMEOUTS_S = (4, 16, 64)


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    limits = "MaxArraySize=30001\nMaxJobCount=60000\nMessageTimeout=100"
    with SlurmCluster(f"n1,{LONG_NAME}", rest=True, more=limits) as running:
        running.submit("--array=0-19999", "--hold", "-n1")
        running.allocate("-w", LONG_NAME, "-n1", "-J", "long")
        yield running


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "slurm").mkdir()
    return Secrets(tmp_path)


@pytest.fixture
def commands(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., SlurmCommands]:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))

    def made(folder: Path | None = None, timeout_s: float = PATIENCE_S) -> SlurmCommands:
        path = str(folder) if folder else None
        return SlurmCommands(
            SchedulerCommands(LocalHost(VARIABLES, SETTINGS), path, timeout_s), jobs=True
        )

    return made


def folder_with(directory: Path, squeue: str) -> Path:
    """Put a script in the place of squeue beside the real sinfo; give their folder."""
    for name, script in (("sinfo", f'exec {shutil.which("sinfo")} "$@"'), ("squeue", squeue)):
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
    return directory


def with_key(cluster: SlurmCluster, directory: Path) -> SlurmRestOptions:
    (directory / "slurm" / KEY.key).write_bytes(cluster.jwt_key.read_bytes())
    return SlurmRestOptions(cluster.rest_url, user="root", jwt_key=KEY)


@asynccontextmanager
async def resting(
    options: SlurmRestOptions, secrets: Secrets, timeout_s: float = PATIENCE_S
) -> AsyncIterator[SlurmRest]:
    scheduler = SlurmRest(options, secrets, timeout_s, jobs=True)
    try:
        yield scheduler
    finally:
        await scheduler.close()


@pytest.fixture(params=["commands", "rest"])
async def snapshot(
    request: pytest.FixtureRequest,
    cluster: SlurmCluster,
    commands: Callable[..., SlurmCommands],
    secrets: Secrets,
    tmp_path: Path,
) -> SchedulerSnapshot:
    if request.param == "commands":
        return await commands().read()
    async with resting(with_key(cluster, tmp_path), secrets) as scheduler:
        return await scheduler.read()


def test_twenty_thousand_tasks_of_a_real_array_are_one_record_and_all_are_counted(
    snapshot: SchedulerSnapshot,
) -> None:
    (waiting,) = (job for job in snapshot.jobs or () if job.state == "pending")
    assert (waiting.array, waiting.tasks) == (waiting.id, 20_000)
    assert job_counts(snapshot) == {"pending": 20_000, "running": 1}
    assert (snapshot.unread_jobs, snapshot.note) == (0, "")


def test_a_name_of_sixty_letters_is_whole_as_a_node_and_of_a_job(
    snapshot: SchedulerSnapshot,
) -> None:
    assert len(LONG_NAME) == 60
    assert snapshot.nodes.keys() == NODES
    (running,) = (job for job in snapshot.jobs or () if job.state == "running")
    assert running.nodes == (LONG_NAME,)
    assert snapshot.nodes[LONG_NAME].allocated == running.allocated


async def test_a_process_that_keeps_the_pipe_of_squeue_ends_and_costs_no_node(
    commands: Callable[..., SlurmCommands], tmp_path: Path
) -> None:
    """It outlives squeue, so that nothing but its group says whose it is."""
    mark = tmp_path / "grandchild"
    script = f'{shutil.which("squeue")} "$@"; sleep 600 & echo $! > {mark}'
    folder = folder_with(tmp_path, script)
    for timeout_s in TIMEOUTS_S:
        snapshot = await commands(folder, timeout_s).read()
        assert snapshot.jobs is None
        if mark.exists() and mark.read_text():
            break
    assert snapshot.nodes.keys() == NODES
    assert "jobs are not known: timeout: " in snapshot.note
    assert "squeue ended, and a process that it started kept its output open" in snapshot.note
    assert "slurmctld" not in snapshot.note
    command = Path(f"/proc/{int(mark.read_text())}/cmdline")
    await eventually(lambda: not command.exists() or not command.read_bytes())


async def test_where_slurmctld_hangs_at_squeue_nodes_are_known_and_jobs_are_not(
    cluster: SlurmCluster, commands: Callable[..., SlurmCommands], tmp_path: Path
) -> None:
    wanted, frozen = tmp_path / "wanted", tmp_path / "frozen"
    wait = f"touch {wanted}; while [ ! -e {frozen} ]; do sleep 0.02; done"
    folder = folder_with(tmp_path, f'{wait}; exec {shutil.which("squeue")} "$@"')
    for timeout_s in TIMEOUTS_S:
        reading = asyncio.create_task(commands(folder, timeout_s).read())
        await eventually(lambda reading=reading: wanted.exists() or reading.done())  # type: ignore[misc]
        with cluster.frozen("slurmctld"):
            frozen.touch()
            try:
                snapshot = await reading
                break
            except ReadError as error:
                assert error.reason is Reason.TIMEOUT, "sinfo needed longer than that"
    assert snapshot.nodes.keys() == NODES
    assert snapshot.jobs is None
    assert "jobs are not known: timeout: slurmctld did not answer squeue in time" in snapshot.note
    assert (await commands().read()).jobs is not None


@asynccontextmanager
async def before(
    cluster: SlurmCluster, at_jobs: Callable[[dict[str, str]], object]
) -> AsyncIterator[str]:
    """Stand before slurmrestd, and call `at_jobs` with the headers of a request for jobs."""

    async def forward(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.startswith("X-")}
        if request.path.rstrip("/").endswith("/jobs") and asyncio.iscoroutine(
            result := at_jobs(headers)
        ):
            await result
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            answer = await client.get(f"{cluster.rest_url}{request.path_qs}", headers=headers)
        return web.Response(
            status=answer.status_code, body=answer.content, content_type="application/json"
        )

    app = web.Application()
    app.router.add_get("/{path:.*}", forward)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_where_slurmctld_hangs_at_the_jobs_of_slurmrestd_nodes_are_known_and_jobs_are_not(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    wanted, frozen = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        wanted.set()
        await frozen.wait()

    async with before(cluster, lambda _: hang()) as url:
        options = replace(with_key(cluster, tmp_path), url=url)
        for timeout_s in TIMEOUTS_S:
            async with resting(options, secrets, timeout_s) as scheduler:
                reading = asyncio.create_task(scheduler.read())
                await eventually(lambda reading=reading: wanted.is_set() or reading.done())  # type: ignore[misc]
                with cluster.frozen("slurmctld"):
                    frozen.set()
                    try:
                        snapshot = await reading
                        break
                    except ReadError as error:
                        assert error.reason is Reason.TIMEOUT, "nodes needed longer than that"
    assert snapshot.nodes.keys() == NODES
    assert snapshot.jobs is None
    assert "jobs are not known: timeout: " in snapshot.note


@pytest.mark.parametrize("what", ["expired", "forged", "malformed"])
async def test_a_token_that_is_refused_for_jobs_alone_costs_no_node_and_is_not_shown(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path, what: str
) -> None:
    key = cluster.jwt_key.read_bytes()
    token = {
        "expired": sign_jwt(key, "root", time.time() - 60, life_s=30),
        "forged": sign_jwt(os.urandom(32), "root", time.time()),
        "malformed": "not.a.token",
    }[what]

    def spoil(headers: dict[str, str]) -> None:
        (name,) = (name for name in headers if name.upper() == "X-SLURM-USER-TOKEN")
        headers[name] = token

    async with before(cluster, spoil) as url:
        options = replace(with_key(cluster, tmp_path), url=url)
        async with resting(options, secrets) as scheduler:
            snapshot = await scheduler.read()
    assert snapshot.nodes.keys() == NODES
    assert snapshot.jobs is None
    assert snapshot.note.startswith("jobs are not known: auth_failed: ")
    assert token not in snapshot.note


async def test_a_key_that_rotates_between_nodes_and_jobs_costs_one_poll_its_jobs(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    """A token of the old key lives on in the exporter until it is refused."""
    tokens: list[str] = []

    def rotate(headers: dict[str, str]) -> None:
        (name,) = (name for name in headers if name.upper() == "X-SLURM-USER-TOKEN")
        tokens.append(headers[name])
        if headers[name] == tokens[0]:
            headers[name] = sign_jwt(os.urandom(32), "root", time.time())

    async with before(cluster, rotate) as url:
        options = replace(with_key(cluster, tmp_path), url=url)
        async with resting(options, secrets) as scheduler:
            assert (await scheduler.read()).jobs is None
            issued_s = int(time.time())
            await eventually(lambda: int(time.time()) > issued_s)  # a token is new by its second
            assert (await scheduler.read()).jobs is not None
    assert len(set(tokens)) == 2


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_an_hour_apart_is_let_in_or_named_among_the_causes(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path, hours: int
) -> None:
    token = sign_jwt(cluster.jwt_key.read_bytes(), "root", time.time() + 3600 * hours - 1)
    (tmp_path / "slurm" / TOKEN.key).write_text(token)
    options = SlurmRestOptions(cluster.rest_url, user="root", token=TOKEN)
    async with resting(options, secrets) as scheduler:
        if hours > 0:
            assert (await scheduler.read()).nodes.keys() == NODES
            return
        with pytest.raises(ReadError, match="clock") as caught:
            await scheduler.read()
    assert caught.value.reason is Reason.AUTH_FAILED


async def test_a_cluster_whose_partitions_have_no_node_is_a_bad_reply_and_no_empty_cluster(
    cluster: SlurmCluster, commands: Callable[..., SlurmCommands]
) -> None:
    for name in ("batch", "again"):
        cluster.scontrol("update", f"partitionname={name}", "nodes=")
    try:
        with pytest.raises(ReadError, match="no partition has nodes") as caught:
            await commands().read()
    finally:
        for name in ("batch", "again"):
            cluster.scontrol("update", f"partitionname={name}", "nodes=ALL")
    assert caught.value.reason is Reason.BAD_REPLY
    assert (await commands().read()).nodes.keys() == NODES
