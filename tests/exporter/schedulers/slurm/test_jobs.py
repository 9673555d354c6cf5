"""Jobs of each real Slurm, whose oracle is scontrol: arrays, parts of a job, GPUs, all states."""

import asyncio
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from rackwatt_crds.hostlist import expand
from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.output_format import MARK
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from rackwatt_exporter.schedulers.slurm.squeue_output import JOBS
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.slurm.test_squeue_output import HEADER
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_release import RELEASES, SlurmRelease

MIB = 2**20
H100 = (Gres("gpu", 2, "h100"),)


@pytest.fixture(scope="module", params=RELEASES, ids=str)
def queue(request: pytest.FixtureRequest) -> Iterator[SlurmCluster]:
    """A cluster with a job of each kind; their ids count from 1 in this order."""
    with SlurmCluster("n[1-2]", "d1", gpus=4, rest=True, release=request.param) as cluster:
        submit = cluster.submit
        submit("--array=0-200:2%3", "-n1", "--mem=100")  # 1, its tasks 1_0 to 1_200
        cluster.wait(lambda: _states(cluster, "1").count("RUNNING") == 3, "three tasks")
        ids = {
            "het": submit("-n1", "--mem=100", ":", "-n2", "--mem=100"),
            "two": submit("-N2", "-n4", "--mem=500"),
            "gpus": submit("-n1", "--mem=100", "--gpus-per-node=h100:2"),
            "suspended": submit("-n1", "--mem=100"),
        }
        for name, job in ids.items():
            cluster.wait(partial(_is_in, cluster, job, "RUNNING"), name)
        suspended = ids["suspended"]
        cluster.scontrol("suspend", suspended)
        cluster.scontrol("update", "nodename=n1", "weight=17")
        ids["any"] = submit("-n1", "--mem=100", "--constraint=intel|ib", "--hold")
        ids["both"] = submit("-n1", "--mem=100", "--constraint=intel&ib", "--hold")
        ids["held"] = submit("-n1", "--mem=100", "--hold")
        ids["failed"] = submit("-n1", "--mem=100", command="exit 3")
        cluster.wait(partial(_is_in, cluster, ids["failed"], "FAILED"), "the failure")
        ids["cancelled"] = submit("-n1", "--hold", "--mem=100")
        cluster.cancel(ids["cancelled"])
        (cluster.directory / "ids").write_text(repr(ids))
        yield cluster


def _is_in(cluster: SlurmCluster, job: str, state: str) -> bool:
    return set(_states(cluster, job)) == {state}


def _states(cluster: SlurmCluster, name: str) -> list[str]:
    shown = cluster.scontrol("show", "job", "-o", name)
    return [word[9:] for word in shown.split() if word.startswith("JobState=")]


@pytest.fixture
async def snapshot(queue: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> SchedulerSnapshot:
    monkeypatch.setenv("SLURM_CONF", str(queue.configuration))
    return await commands(queue).read()


def commands(cluster: SlurmCluster, jobs: bool = True) -> SlurmCommands:
    host = LocalHost(VARIABLES, SETTINGS)
    return SlurmCommands(SchedulerCommands(host, cluster.release.folder, PATIENCE_S), jobs=jobs)


@pytest.fixture
def jobs(queue: SlurmCluster, snapshot: SchedulerSnapshot) -> dict[str, Job]:
    """Each job by the name that the fixture `queue` gives it, or by its id."""
    assert snapshot.jobs is not None
    assert (snapshot.unread_jobs, snapshot.note) == (0, "")
    by_id = {job.id: job for job in snapshot.jobs}
    ids: dict[str, str] = eval((queue.directory / "ids").read_text())
    return by_id | {name: by_id[job] for name, job in ids.items() if job in by_id}


def test_tasks_of_an_array_that_wait_are_one_record_and_those_that_run_are_their_own(
    jobs: dict[str, Job],
) -> None:
    waiting = jobs["1"]
    assert (waiting.state, waiting.tasks, waiting.array) == ("pending", 98, "1")
    assert waiting.reason == "JobArrayTaskLimit"
    assert waiting.requested == Resources(1, 100 * MIB, ())
    assert [jobs[f"1_{task}"].state for task in (0, 2, 4)] == ["running"] * 3
    assert {jobs[f"1_{task}"].array for task in (0, 2, 4)} == {"1"}


def test_components_of_a_heterogeneous_job_know_it(
    jobs: dict[str, Job], queue: SlurmCluster
) -> None:
    ids: dict[str, str] = eval((queue.directory / "ids").read_text())
    first, second = jobs[f"{ids['het']}+0"], jobs[f"{ids['het']}+1"]
    assert first.het == second.het == ids["het"]
    assert second.allocated == Resources(2, 100 * MIB, ())


def test_tasks_and_components_have_the_number_that_slurmctld_gave_them(
    jobs: dict[str, Job], queue: SlurmCluster
) -> None:
    shown = [
        dict(word.split("=", 1) for word in line.split() if "=" in word)
        for line in queue.scontrol("show", "job", "-o").splitlines()
    ]
    tasks = {
        f"{one['ArrayJobId']}_{one['ArrayTaskId']}": one["JobId"]
        for one in shown
        if one.get("ArrayTaskId", "").isdigit()
    }
    parts = {
        f"{one['HetJobId']}+{one['HetJobOffset']}": one["JobId"]
        for one in shown
        if "HetJobId" in one
    }
    assert (len(tasks), len(parts)) == (3, 2)
    known = {name: jobs[name].number for name in tasks | parts}
    assert known == tasks | parts
    assert {job.number for job in jobs.values() if not job.array and not job.het} == {""}


def test_a_job_of_two_nodes_has_the_memory_of_both(jobs: dict[str, Job]) -> None:
    assert jobs["two"].nodes == ("n1", "n2")
    assert jobs["two"].allocated == Resources(4, 1000 * MIB, ())


def test_a_job_of_two_nodes_holds_of_each_what_scontrol_details(
    jobs: dict[str, Job], queue: SlurmCluster
) -> None:
    details = queue.scontrol("show", "job", "-d", "-o", jobs["two"].id)
    cpus = {
        node: len(expand(f"[{ids}]"))
        for node, ids in re.findall(r" Nodes=(\S+) CPU_IDs=(\S+)", details)
    }
    assert dict(zip(jobs["two"].nodes, jobs["two"].per_node, strict=True)) == {
        node: Resources(count, gres=()) for node, count in cpus.items()
    }


def test_gpus_of_a_job_are_known_though_accounting_leaves_them_out(jobs: dict[str, Job]) -> None:
    assert jobs["gpus"].allocated == Resources(1, 100 * MIB, H100)
    assert jobs["gpus"].per_node == (jobs["gpus"].allocated,)


def test_jobs_that_are_suspended_held_failed_and_cancelled_are_so(jobs: dict[str, Job]) -> None:
    assert jobs["suspended"].allocated == Resources(0, 100 * MIB, ())
    assert (jobs["held"].state, jobs["held"].reason) == ("pending", "JobHeldUser")
    assert jobs["held"].started_at_s is None
    failed, cancelled = jobs["failed"], jobs["cancelled"]
    assert (failed.state, failed.reason) == ("failed", "NonZeroExitCode")
    assert failed.started_at_s is not None
    assert failed.started_at_s <= (failed.ended_at_s or 0)
    assert (cancelled.state, cancelled.started_at_s) == ("cancelled", None)


def test_what_jobs_hold_adds_up_to_what_slurm_has_allocated_of_the_nodes(
    snapshot: SchedulerSnapshot,
) -> None:
    held = [job.allocated for job in snapshot.jobs or () if job.allocated]
    nodes = [node.allocated for node in snapshot.nodes.values() if node.allocated]
    assert sum(one.cpus or 0 for one in held) == sum(one.cpus or 0 for one in nodes)
    assert sum(one.memory_bytes or 0 for one in held) == sum(one.memory_bytes or 0 for one in nodes)
    assert sum(one.count("gpu") or 0 for one in held) == sum(one.count("gpu") or 0 for one in nodes)


def test_a_nodes_resources_are_those_of_scontrol(
    queue: SlurmCluster, snapshot: SchedulerSnapshot
) -> None:
    for name, fields in queue.shown().items():
        node = snapshot.nodes[name]
        assert node.total is not None
        assert node.allocated is not None
        assert (node.total.cpus, node.allocated.cpus) == (
            int(fields["CPUTot"]), int(fields["CPUAlloc"]),
        )  # fmt: skip
        assert node.total.memory_bytes == int(fields["RealMemory"]) * MIB
        assert node.allocated.memory_bytes == int(fields["AllocMem"]) * MIB
        assert node.weight == int(fields["Weight"])
    assert snapshot.nodes["n1"].weight == 17
    assert snapshot.nodes["n1"].features == ("intel", "ib")
    assert snapshot.nodes["n1"].total == Resources(8, 16000 * MIB, (Gres("gpu", 4, "h100"),))
    assert snapshot.nodes["d1"].total == Resources(8, 16000 * MIB, ())


def test_a_job_has_the_features_of_its_constraint(jobs: dict[str, Job]) -> None:
    assert jobs["any"].features == jobs["both"].features == ("intel", "ib")
    assert jobs["held"].features == ()


@pytest.mark.parametrize("release", RELEASES, ids=str)
async def test_a_job_that_requests_all_memory_by_0_holds_all_of_it(
    release: SlurmRelease, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SlurmCluster("n1", release=release) as cluster:
        job = cluster.submit("-n2", "--mem=0")
        cluster.wait(partial(_is_in, cluster, job, "RUNNING"), "the job")
        monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
        (found,) = (await commands(cluster).read()).jobs or ()
    assert found.allocated == Resources(2, 16_000 * MIB, ())


async def read(folder: Path, cluster: SlurmCluster, squeue: str) -> SchedulerSnapshot:
    """Read with a script in the place of squeue."""
    sinfo = f'exec {cluster.release.command("sinfo")} "$@"'
    for name, script in (("sinfo", sinfo), ("squeue", squeue)):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    host = LocalHost(VARIABLES, SETTINGS)
    return await SlurmCommands(SchedulerCommands(host, str(folder), PATIENCE_S), jobs=True).read()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'squeue: error: Access/permission denied' >&2; exit 1", "privilege_insufficient"),
        ("exit 7", "command_failed"),
        ("exit 0", "bad_reply: squeue printed nothing"),
        (f"echo '{HEADER.strip()}'", "PrivateData=jobs"),
        ("echo '<html><h1>503</h1></html>'", "bad_reply: not what squeue prints: <html><h1>503"),
        ("echo '1 | RUNNING | alice'", "not what squeue prints: 1 | RUNNING | alice"),
        ("echo 'CLUSTER: other'", "another cluster"),
    ],
)
async def test_jobs_that_cannot_be_read_are_unknown_and_nodes_are_not(
    queue: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, words: str
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(queue.configuration))
    snapshot = await read(tmp_path, queue, script)
    assert snapshot.jobs is None
    assert words in snapshot.note
    assert set(snapshot.nodes) == {"n1", "n2", "d1"}


async def test_warnings_of_squeue_on_either_output_cost_no_job(
    queue: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jobs: dict[str, Job]
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(queue.configuration))
    real = queue.release.command("squeue")
    script = f'echo "squeue: warning" >&2; echo "be | warned"; exec {real} "$@"'
    snapshot = await read(tmp_path, queue, script)
    assert snapshot.jobs is not None
    assert {job.id for job in snapshot.jobs} == {job.id for job in jobs.values()}
    assert snapshot.unread_jobs == 0


async def test_a_greeting_that_has_every_column_of_a_real_squeue_is_no_job(
    queue: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jobs: dict[str, Job]
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(queue.configuration))
    columns = JOBS[-1].replace(MARK, "|")
    greeting = queue.run("squeue", "-a", "-h", *JOBS[:-1], columns)
    assert "|root|" in greeting
    (tmp_path / "greeting").write_text(greeting.replace("root", "mallory"))
    real = queue.release.command("squeue")
    script = f'cat {tmp_path}/greeting; {real} "$@"; cat {tmp_path}/greeting'
    snapshot = await read(tmp_path, queue, script)
    assert snapshot.jobs is not None
    assert {job.id: job.user for job in snapshot.jobs} == {j.id: j.user for j in jobs.values()}
    assert snapshot.unread_jobs == 0


async def test_no_variable_of_ours_changes_what_squeue_prints(
    queue: SlurmCluster, monkeypatch: pytest.MonkeyPatch, jobs: dict[str, Job]
) -> None:
    for name, value in {
        "SQUEUE_USERS": "nobody", "SQUEUE_STATES": "FAILED", "SQUEUE_FORMAT": "%i",
        "SLURM_TIME_FORMAT": "relative", "SLURM_BITSTR_LEN": "5",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLURM_CONF", str(queue.configuration))
    assert os.environ["SQUEUE_USERS"] == "nobody"
    snapshot = await commands(queue).read()
    assert {job.id: job for job in snapshot.jobs or ()}["1"] == jobs["1"]


async def test_slurmrestd_and_the_commands_report_the_same_jobs_and_nodes(
    queue: SlurmCluster, snapshot: SchedulerSnapshot, tmp_path: Path
) -> None:
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm" / "key").write_bytes(queue.jwt_key.read_bytes())
    key = SecretKey("slurm", "key")
    for version in queue.release.rest_versions:
        options = SlurmRestOptions(queue.rest_url, user="root", jwt_key=key, version=version)
        rest = SlurmRest(options, Secrets(tmp_path), PATIENCE_S, jobs=True)
        try:
            answer = await rest.read()
            async with asyncio.timeout(PATIENCE_S):  # slurmctld may measure between two reads
                while (await rest.read()).usage != (await commands(queue, jobs=False).read()).usage:
                    pass
        finally:
            await rest.close()
        assert answer.usage is not None
        assert answer.usage.keys() == {"n1", "n2"} | (answer.usage.keys() & {"d1"})
        assert answer.note == ""
        assert sorted(answer.jobs or (), key=_id) == sorted(snapshot.jobs or (), key=_id)
        assert answer.nodes == snapshot.nodes


def _id(job: Job) -> str:
    return job.id
