"""Numbers from the metrics of a real slurmctld 26.05: its commands count the same."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.pipelines.snapshot_view import make_view
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.model.diagnostics import Diagnostics
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.auth import sign_jwt
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.open_metrics import SlurmOpenMetrics
from rackwatt_exporter.schedulers.slurm.options import HeaderOptions, SlurmMetricsOptions
from rackwatt_exporter.schedulers.slurm.subjects import wanted
from rackwatt_exporter.schedulers.slurm.ways import slurm_scheduler
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.conftest import NAMES, set_states
from tests.peers.slurm import REST_USER, SlurmCluster
from tests.peers.slurm_release import NEWER

OLDER, NEWEST = NEWER
SERVED = "MetricsType=metrics/openmetrics\n"
FIELDS = ("queues", "diagnostics")


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    """A cluster with nodes in many states, arrays, and jobs of two users and two accounts."""
    with SlurmCluster(NAMES, "d[1-2]", more=SERVED, release=NEWEST) as running:
        running.submit("--array=0-200:2%3", "-w", "n3", "-n1", "--mem=100", "-A", "physics")
        running.wait(lambda: "RUNNING" in running.run("squeue", "-h", "-o", "%T"), "a task")
        failing = running.submit("-w", "n1", "-n1", command="exit 3")
        running.wait(lambda: "FAILED" in running.scontrol("show", "job", failing), "the failure")
        set_states(running)
        running.submit("--hold", f"--uid={REST_USER}", "-A", "plasma", "-D", "/")
        running.submit("--hold", "-p", "again", "-A", "plasma")
        yield running


async def read(cluster: SlurmCluster, fields: tuple[str, ...] = FIELDS) -> SchedulerSnapshot:
    options = SlurmMetricsOptions(cluster.controller_url)
    slurm = SlurmOpenMetrics(options, Secrets(Path()), PATIENCE_S, fields)
    try:
        return await slurm.read()
    finally:
        await slurm.close()


async def by_commands(cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> SchedulerSnapshot:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    host, folder = LocalHost(VARIABLES, SETTINGS), cluster.release.folder
    subjects = wanted({"partitions", "diagnostics"})
    return await SlurmCommands(
        SchedulerCommands(host, folder, PATIENCE_S), jobs=True, subjects=subjects
    ).read()


def present(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of what there is."""
    return {str(word): count for word, count in counts.items() if count}


def listed(jobs: Iterable[Job], key: str) -> dict[str, dict[str, int]]:
    """Count jobs by base state of each value of a field, as the metrics do.

    The one that is completing was cancelled; a job without an account is in none.
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for job in jobs:
        base = "cancelled" if job.state == "completing" else str(job.state)
        value = getattr(job, key)
        for name in value if isinstance(value, tuple) else (value,):
            found[name][base] += job.tasks
    found.pop("", None)
    return {name: dict(counts) for name, counts in found.items()}


async def test_nodes_are_counted_by_base_state_and_flag_as_sinfo_lists_them(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = (await by_commands(cluster, monkeypatch)).nodes.values()
    snapshot = await read(cluster)
    assert snapshot.numbers is not None
    assert present(snapshot.numbers.nodes) == Counter(node.base for node in nodes)
    assert present(snapshot.numbers.node_flags) == Counter(f for node in nodes for f in node.flags)
    assert (snapshot.nodes, snapshot.jobs, snapshot.unread) == ({}, None, 0)
    assert "neither the state of a node nor a list of jobs" in snapshot.note


async def test_jobs_are_counted_by_base_state_as_squeue_lists_them(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = (await by_commands(cluster, monkeypatch)).jobs
    numbers = (await read(cluster)).numbers
    assert jobs is not None
    assert numbers is not None
    for group, key in (("users", "user"), ("accounts", "account"), ("partitions", "partitions")):
        counted = getattr(numbers, group)
        assert {name: present(one) for name, one in counted.items()} == listed(jobs, key)
    total = sum((Counter(one) for one in listed(jobs, "user").values()), Counter[str]())
    assert present(numbers.jobs) == total
    assert present(numbers.job_flags) == {"completing": 1, "hold": 2}


async def test_partitions_have_the_nodes_and_cpus_of_scontrol_and_no_state(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (await by_commands(cluster, monkeypatch)).queues
    assert known
    assert (await read(cluster)).queues == tuple(
        replace(one, state=None, total=Resources(one.total.cpus if one.total else None))
        for one in known
    )


async def test_diagnostics_are_those_of_sdiag_without_its_rpcs(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def own(snapshot: SchedulerSnapshot) -> Diagnostics:
        """Return what no request of ours changes."""
        assert snapshot.diagnostics is not None
        transient = {"threads": 0, "agents": 0, "agent_threads": 0}
        return replace(snapshot.diagnostics, rpcs_by_type=(), rpcs_by_user=(), **transient)

    async with asyncio.timeout(PATIENCE_S):  # a cycle may end between two reads
        while own(await by_commands(cluster, monkeypatch)) != own(await read(cluster)):
            pass


async def test_what_is_not_wanted_is_not_read(cluster: SlurmCluster) -> None:
    snapshot = await read(cluster, ())
    assert (snapshot.queues, snapshot.diagnostics) == (None, None)
    assert snapshot.numbers is not None
    assert snapshot.numbers.partitions is None


async def test_a_document_reads_the_metrics_and_serves_no_state_of_ours(
    cluster: SlurmCluster,
) -> None:
    spec = f"slurm: {{openMetrics: {{url: {cluster.controller_url!r}}}}}, timeout: 60s"
    config = resolved(spec)
    scheduler = slurm_scheduler(config, Secrets(Path()))
    try:
        text = make_view(config, await scheduler.read(), {"slurm-exporter"}, None).text
    finally:
        await scheduler.close()
    page = b"".join(text.values()).decode()
    assert config.label == "slurm/openMetrics"
    assert (
        'rackwatt_scheduler_base_state_nodes{scheduler="prod",cluster="alpha",base="idle"} 9'
        in page
    )
    assert (
        'user_base_state_jobs{scheduler="prod",cluster="alpha",user="games",base="pending"} 1'
        in page
    )
    assert (
        'rackwatt_scheduler_partition_nodes{scheduler="prod",cluster="alpha",partition="batch"}'
        in page
    )
    assert 'subject_known{scheduler="prod",cluster="alpha",subject="partitions"} 1' in page
    absent = ("scheduler_nodes{", "scheduler_jobs", "node_state", "partition_state", "slurm_")
    assert [name for name in absent if name in page] == []


async def failure_of(cluster: SlurmCluster) -> ReadError:
    with pytest.raises(ReadError) as caught:
        await read(cluster)
    return caught.value


async def test_metrics_that_are_not_configured_are_no_zeros() -> None:
    with SlurmCluster("n1", release=NEWEST) as cluster:
        error = await failure_of(cluster)
    assert error.reason is Reason.BAD_REPLY
    assert "/metrics/nodes has no slurm_nodes" in str(error)
    assert "MetricsType=metrics/openmetrics" in (error.remedy or "")


KEY, TOKEN = SecretKey("slurm", "jwt.key"), SecretKey("slurm", "token")
SIGNED = b"a key of thirty-two bytes, or so"


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SlurmCluster, Secrets]]:
    """A slurmctld that lets `daemon` in alone, and the Secret with its key."""
    secrets = tmp_path_factory.mktemp("secrets")
    (secrets / "slurm").mkdir()
    key = secrets / "slurm" / "jwt.key"
    key.write_bytes(SIGNED)
    key.chmod(0o600)
    (secrets / "slurm" / "token").write_text(sign_jwt(SIGNED, "daemon", time.time() - 10_000))
    conf = f"MetricsAuthUsers=daemon\nSlurmctldHttpAuthParameters=jwt_key={key}\n"
    with SlurmCluster("n1", release=NEWEST, more=SERVED + conf) as cluster:
        yield cluster, Secrets(secrets)


async def logged_in(
    private: tuple[SlurmCluster, Secrets], user: str | None = None, **login: Any
) -> SchedulerSnapshot:
    cluster, secrets = private
    options = SlurmMetricsOptions(cluster.controller_url, user, **login)
    slurm = SlurmOpenMetrics(options, secrets, PATIENCE_S, FIELDS)
    try:
        return await slurm.read()
    finally:
        await slurm.close()


async def test_metrics_that_want_a_log_in_are_read_with_a_token_of_slurm_s_key(
    private: tuple[SlurmCluster, Secrets],
) -> None:
    snapshot = await logged_in(private, "daemon", jwt_key=KEY)
    assert snapshot.numbers is not None
    assert present(snapshot.numbers.nodes) == {"idle": 1}
    assert snapshot.diagnostics is not None
    assert snapshot.token_issued_at_s is not None
    assert snapshot.token_expires_at_s == snapshot.token_issued_at_s + 3600


@pytest.mark.parametrize(
    ("user", "login", "said"),
    [
        (None, {}, "Invalid authentication credential"),
        ("games", {"jwt_key": KEY}, "Operation not permitted"),
        ("nosuchuser", {"jwt_key": KEY}, "Rejecting authentication"),
        (None, {"token": TOKEN}, "the token expired at "),
        (None, {"headers": (HeaderOptions("Authorization", "Bearer a.b.c"),)}, "Invalid"),
    ],
)
async def test_a_log_in_that_slurmctld_refuses_is_auth_failed_and_says_what_it_wants(
    private: tuple[SlurmCluster, Secrets], user: str | None, login: dict[str, Any], said: str
) -> None:
    with pytest.raises(ReadError) as caught:
        await logged_in(private, user, **login)
    assert caught.value.reason is Reason.AUTH_FAILED
    assert said in str(caught.value)
    wanted = "SlurmctldHttpAuthParameters" if login else "Give `slurm.openMetrics` the token"
    assert wanted in (caught.value.remedy or "")


@pytest.mark.parametrize("private", ["PrivateData=jobs", "MetricsAuthUsers=daemon"])
async def test_metrics_that_slurmctld_keeps_private_are_auth_failed(private: str) -> None:
    with SlurmCluster("n1", release=NEWEST, more=SERVED + private) as cluster:
        error = await failure_of(cluster)
    assert error.reason is Reason.AUTH_FAILED
    assert "Invalid authentication credential" in str(error)
    assert "PrivateData" in (error.remedy or "")


async def test_an_older_slurmctld_which_speaks_no_http_is_a_failure() -> None:
    with SlurmCluster("n1", release=OLDER) as cluster:
        error = await failure_of(cluster)
    assert error.reason is Reason.BAD_REPLY
    assert "from Slurm 25.11 on" in str(error)


async def test_a_slurmctld_that_is_gone_or_silent_is_a_failure_and_found_again() -> None:
    with SlurmCluster("n1", release=NEWEST, more=SERVED) as cluster:
        options = SlurmMetricsOptions(cluster.controller_url)
        slurm = SlurmOpenMetrics(options, Secrets(Path()), 1.0)
        with cluster.frozen("slurmctld"), pytest.raises(ReadError) as silent:
            await slurm.read()
        assert silent.value.reason is Reason.TIMEOUT
        cluster.stop_controller()
        with pytest.raises(ReadError) as gone:
            await slurm.read()
        assert gone.value.reason is Reason.CONNECTION_REFUSED
        cluster.start_controller()
        assert (await read(cluster)).numbers is not None
        await slurm.close()


async def test_a_standby_that_redirects_to_the_primary_is_said_to_be_one() -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        place = b"http://ctl1:6817/metrics/nodes?secret=1"
        writer.write(b"HTTP/1.1 303 See Other\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % place)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        options = SlurmMetricsOptions(f"http://127.0.0.1:{port}")
        slurm = SlurmOpenMetrics(options, Secrets(Path()), PATIENCE_S)
        with pytest.raises(ReadError) as caught:
            await slurm.read()
        await slurm.close()
    assert caught.value.reason is Reason.BAD_REPLY
    assert "redirected to http://ctl1:6817/metrics/nodes: is this a standby?" in str(caught.value)
    assert "primary slurmctld" in (caught.value.remedy or "")
