"""One exporter asks a real Slurm, any number ask that one. Slurm's own account is the oracle."""

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.remote import ExporterOptions, RemoteScheduler
from tests.eventually import PATIENCE_S, until
from tests.exporter.commands.exporter_process import Running, running
from tests.exporter.running_exporter import power_target
from tests.exporter.schedulers.snapshots import states
from tests.exporter.web.tls_files import GOS_HASH, PASSWORD, TLS, WebFiles
from tests.peers.ports import free_port
from tests.peers.slurm import SlurmCluster

LOOPS = ("uvloop",)
LISTEN = "--web.listen-address=127.0.0.1:0"
BINDING = """---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec: {{cluster: prod, interval: 1s, timeout: 60s, staleAfter: {stale}, {way}}}
"""
REQUESTS = re.compile(r"REQUEST_NODE_INFO\s*\(.*?\)\s*count:(\d+)")


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    with SlurmCluster("n1,n2", down="d1") as running_cluster:
        running_cluster.allocate("-w", "n1", "-n8")
        running_cluster.wait_for(n1="ALLOCATED", n2="IDLE", d1="DOWN")
        yield running_cluster


@contextmanager
def relaying(
    directory: Path, cluster: SlurmCluster, stale: str = "5m", *arguments: str
) -> Iterator[Running]:
    """Run an exporter that has nothing but a binding, and reads Slurm."""
    directory.mkdir(exist_ok=True)
    (directory / "b.yaml").write_text(BINDING.format(stale=stale, way="slurm: {cli: {}}"))
    environment = {key: cluster.environment[key] for key in ("SLURM_CONF", "PATH")}
    with running(
        "run", f"--config.file={directory}/b.yaml", LISTEN, *arguments, **environment
    ) as a:
        yield a


@contextmanager
def measuring(directory: Path, url: str, stale: str) -> Iterator[Running]:
    """Run an exporter that has a fleet, and reads its states from another exporter."""
    directory.mkdir(exist_ok=True)
    hosts = '[{names: "n[1-2]"}, {names: d1}, {names: unknown}]'
    target = power_target(hosts, spec="interval: 1s\n  schedulerRef: {name: prod}")
    binding = BINDING.format(stale=stale, way=f'exporter: {{url: "{url}"}}')
    (directory / "lab.yaml").write_text(target + binding)
    with running("run", f"--config.file={directory}/lab.yaml", LISTEN) as b:
        yield b


def older(answer: httpx.Response, least_s: int) -> httpx.Response | None:
    return answer if int(answer.headers["Age"]) >= least_s else None


def known(text: str) -> bool:
    return 'rackwatt_node_state{node="n1"' in text and 'rackwatt_node_power_watts{node="n1"' in text


def withdrawn(*reasons: str) -> Callable[[str], bool]:
    """Return a predicate of pages with power, one of the reasons, and no state."""

    def is_withdrawn(text: str) -> bool:
        why = any(f'reason="{reason}"' in text for reason in reasons)
        gone = "rackwatt_node_state{" not in text and why
        if gone:
            assert 'rackwatt_node_power_watts{node="n1"' in text
            assert '"idle"' not in text
        return gone

    return is_withdrawn


def options(url: str, name: str = "prod") -> ExporterOptions:
    return ExporterOptions(url, name)


async def read(url: str, secrets: Path, name: str = "prod") -> SchedulerSnapshot:
    scheduler = RemoteScheduler(options(url, name), Secrets(secrets), PATIENCE_S)
    try:
        return await scheduler.read()
    finally:
        await scheduler.close()


async def failure(url: str, secrets: Path, name: str = "prod") -> ReadError:
    with pytest.raises(ReadError) as caught:
        await read(url, secrets, name)
    return caught.value


def test_states_of_slurm_reach_a_fleet_through_two_exporters(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    with relaying(tmp_path / "a", cluster) as a:
        a.until_served(lambda text: text == "ready\n", "/readyz")
        page = a.get("/metrics")
        assert (
            'rackwatt_scheduler_nodes{scheduler="prod",cluster="prod",state="allocated"} 1' in page
        )
        assert "rackwatt_node_state" not in page  # it measures none of them
        status = json.loads(a.get("/status"))
        assert status["schedulers"][0]["nodes"] == {"allocated": 1, "idle": 1, "down": 1}
        assert status["targets"]["configured"] == 0
        assert "1 allocated" in a.get("/plain")
        assert "jobs: 1 running" in a.get("/plain")
        assert status["schedulers"][0]["jobs"] == {"running": 1}
        for sample in (
            '_jobs{scheduler="prod",cluster="prod",state="running"} 1',
            '_user_allocated_cpus{scheduler="prod",cluster="prod",user="root"} 8',
            '_node_state{scheduler="prod",cluster="prod",node="d1",state="down"} 1',
        ):
            assert f"rackwatt_scheduler{sample}\n" in page
        with measuring(tmp_path / "b", a.url, "5m") as b:
            page = b.until_served(known, "/metrics")
            current = dict(re.findall(r'node_state\{node="(\w+)".*state="(\w+)"\} 1', page))
            assert current == {"n1": "allocated", "n2": "idle", "d1": "down"}
            assert "rackwatt_scheduler_jobs{" not in page  # once, where they are polled
            assert "rackwatt_scheduler_node_state{" not in page
            ratios = re.findall(r'allocation_ratio\{.*,node="(\w+)",user="(\w+)",.*\} (\S+)', page)
            assert ratios == [("n1", "root", "1.0")]
            version = json.loads(b.get("/status"))["schedulers"][0]["version"]
            assert version == status["schedulers"][0]["version"] != ""


async def test_ten_remote_readers_cost_slurm_no_more_than_one(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    def requests() -> int:
        output = subprocess.check_output(["sdiag"], env=cluster.environment, text=True)
        match = REQUESTS.search(output)
        assert match, output
        return int(match[1])

    def reads(a: Running) -> int:
        return int(json.loads(a.get("/status"))["schedulers"][0]["reads"])

    with relaying(tmp_path / "a", cluster) as a:
        await asyncio.to_thread(a.until_served, lambda text: text == "ready\n", "/readyz")
        clients = [
            RemoteScheduler(options(a.url), Secrets(tmp_path), PATIENCE_S) for _ in range(10)
        ]
        before, reads_before = await asyncio.to_thread(requests), await asyncio.to_thread(reads, a)
        first = await asyncio.gather(*(client.read() for client in clients))
        for _ in range(20):
            last = await asyncio.gather(*(client.read() for client in clients))
        reads_after, after = await asyncio.to_thread(reads, a), await asyncio.to_thread(requests)
        for client in clients:
            await client.close()
    # At most one request of sinfo is in flight when either end is read.
    assert after - before <= reads_after - reads_before + 2 < 210
    assert states(first[0]) == {"n1": "allocated", "n2": "idle", "d1": "down"}
    # Unchanged nodes were not sent again: they are the same object as at first.
    assert all(one.nodes is two.nodes for one, two in zip(first, last, strict=True))


def test_the_snapshot_is_304_with_the_age_of_slurms_answer_if_it_has_not_changed(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    with (
        relaying(tmp_path / "a", cluster) as a,
        httpx.Client(base_url=a.url, timeout=PATIENCE_S) as client,
    ):
        a.until_served(lambda text: text == "ready\n", "/readyz")
        whole = client.get("/schedulers/prod/snapshot")
        media = "application/vnd.rackwatt.scheduler+json; version=1.2"
        assert whole.headers["Content-Type"] == media
        assert whole.json()["cluster"] == "prod"
        total = {"cpus": 8, "memory_bytes": 16_000 * 2**20, "gres": []}
        common = {"partitions": ["again", "batch"], "total": total, "weight": 1}
        none = {"cpus": 0, "memory_bytes": 0, "gres": []}
        nodes = whole.json()["nodes"]
        held = nodes["n1"].pop("allocated")
        assert held["cpus"] == 8
        assert nodes == {
            "d1": {
                "state": "down", "base": "down", "reason": "decorative", "allocated": none, **common,
            },
            "n1": {
                "state": "allocated", "base": "allocated", "features": ["intel", "ib"], **common,
            },
            "n2": {
                "state": "idle", "base": "idle", "features": ["intel", "ib"], "allocated": none,
                **common,
            },
        }  # fmt: skip
        (job,) = whole.json()["jobs"]
        assert (job["state"], job["user"], job["nodes"]) == ("running", "root", ["n1"])
        assert job["allocated"] == held
        alone = client.get("/schedulers/prod/snapshot?jobs=false").json()
        assert (alone["nodes"].keys(), "jobs" in alone) == (nodes.keys(), False)
        assert ("usage" in whole.json(), "usage" in alone) == (True, False)
        path = "/schedulers/prod/snapshot?jobs=false"  # what is measured changes at every poll
        etag = client.get(path).headers["ETag"]
        condition = {"If-None-Match": etag}
        again = client.get(path, headers=condition)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == etag
        with cluster.frozen("slurmctld"):  # no answers: the snapshot ages
            old = until(lambda: older(client.get(path, headers=condition), 4))
            assert old.status_code == 304
        other = client.get("/schedulers/none/snapshot")
        assert other.status_code == 404
        assert "no document names a SchedulerBinding 'none'" in other.text


def test_states_are_withdrawn_when_the_relaying_exporter_dies_and_come_back(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    address = f"--web.listen-address=127.0.0.1:{free_port()}"
    with (
        relaying(tmp_path / "a", cluster, "5m", address) as a,
        measuring(tmp_path / "b", a.url, "3s") as b,
    ):
        b.until_served(known, "/metrics")
        a.stop(signal.SIGKILL)
        page = b.until_served(withdrawn("connection_refused"), "/metrics")
        assert 'rackwatt_scheduler_up{scheduler="prod",cluster="prod"} 0' in page
        with relaying(tmp_path / "a", cluster, "5m", address):
            b.until_served(known, "/metrics")


def test_states_are_withdrawn_by_both_exporters_when_slurm_dies_with_its_reason(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    with (
        relaying(tmp_path / "a", cluster, "3s") as a,
        measuring(tmp_path / "b", a.url, "3s") as b,
    ):
        b.until_served(known, "/metrics")
        cluster.stop_controller()
        try:
            b.until_served(withdrawn("unreachable", "timeout"), "/metrics")
            assert a.get("/schedulers/prod/snapshot").startswith(("unreachable: ", "timeout: "))
            b.until_served(lambda text: "that exporter says: " in text, "/status")
        finally:
            cluster.start_controller()
        b.until_served(known, "/metrics")


async def test_states_are_withdrawn_by_the_age_of_an_answer_that_was_old_on_arrival(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    def kept() -> bool:
        with relaying(tmp_path / "a", cluster) as a:
            a.until_served(lambda text: text == "ready\n", "/readyz")
            with (
                cluster.frozen("slurmctld"),
                httpx.Client(base_url=a.url, timeout=PATIENCE_S) as client,
            ):
                until(lambda: older(client.get("/schedulers/prod/snapshot"), 4))
                with measuring(tmp_path / "b", a.url, "3s") as b:
                    page = b.until_served(
                        lambda text: "rackwatt_scheduler_answer_age_seconds{" in text, "/metrics"
                    )
                    return "rackwatt_node_state" in page

    assert not await asyncio.to_thread(kept)


async def test_the_remote_scheduler_distinguishes_wrong_services_and_refused_logins(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    web_files = WebFiles(tmp_path)
    web_files.write(tls_server_config=TLS, basic_auth_users={"prometheus": GOS_HASH})
    guarded = f"--web.config.file={web_files.web_config}"
    with (
        relaying(tmp_path / "a", cluster) as a,
        relaying(tmp_path / "g", cluster, "5m", guarded) as g,
    ):
        assert (await failure(a.url, tmp_path, "other")).reason is Reason.BAD_REPLY
        assert "SchedulerBinding of this name" in str(await failure(a.url, tmp_path, "other"))
        assert (await failure(a.url + "/plain", tmp_path)).reason is Reason.BAD_REPLY
        secure = g.url.replace("http:", "https:")
        assert (await failure(secure, tmp_path)).reason is Reason.TLS_FAILED
        trusting = ExporterOptions(secure, "prod", TlsOptions(insecure_skip_verify=True))
        scheduler = RemoteScheduler(trusting, Secrets(tmp_path), PATIENCE_S)
        with pytest.raises(ReadError, match="password") as caught:
            await scheduler.read()
        await scheduler.close()
        assert caught.value.reason is Reason.AUTH_FAILED
        a.stop()
        assert (await failure(a.url, tmp_path)).reason is Reason.CONNECTION_REFUSED


async def test_the_remote_scheduler_reads_its_password_from_the_present_secret(
    tmp_path: Path,
) -> None:
    web_files = WebFiles(tmp_path)
    web_files.write(tls_server_config=TLS, basic_auth_users={"prometheus": GOS_HASH})
    (tmp_path / "a").mkdir()
    pinned = "noop: {states: [{names: n1, state: idle}]}"
    (tmp_path / "a/b.yaml").write_text(BINDING.format(stale="5m", way=pinned))
    where = (f"--config.file={tmp_path}/a", f"--web.config.file={web_files.web_config}", LISTEN)
    with running("run", *where) as a:
        a.until_logged(lambda line: "listens on" in line)
        url, tls = a.url.replace("http:", "https:"), TlsOptions(ca_secret="ca")
        options = ExporterOptions(url, "prod", tls, "reader")
        scheduler = RemoteScheduler(options, Secrets(tmp_path), PATIENCE_S)
        with pytest.raises(ReadError, match="Secret reader is missing"):
            await scheduler.read()
        for name in ("ca", "reader"):
            (tmp_path / name).mkdir()
        (tmp_path / "ca/ca.crt").write_bytes(web_files.authority_file.read_bytes())
        (tmp_path / "reader/username").write_text("prometheus\n")
        (tmp_path / "reader/password").write_text("wrong")
        with pytest.raises(ReadError, match=r"exporter\.credentials") as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.AUTH_FAILED
        (tmp_path / "reader/password").write_text(PASSWORD)
        assert states(await scheduler.read()) == {"n1": "idle"}
        await scheduler.close()


def test_the_snapshot_is_503_with_the_reason_before_a_first_answer(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(BINDING.format(stale="5m", way="slurm: {cli: {path: /none}}"))
    with running("run", f"--config.file={tmp_path}/b.yaml", LISTEN) as a:
        text = a.until_served(lambda text: "command_failed: " in text, "/schedulers/prod/snapshot")
        assert "there is no sinfo" in text
        assert httpx.get(a.url + "/schedulers/prod/snapshot", timeout=PATIENCE_S).status_code == 503
