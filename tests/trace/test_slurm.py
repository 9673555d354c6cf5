"""Traced jobs of a real Slurm, from the wrapper in each of their tasks to the exporter's metrics."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.eventually import PATIENCE_S, until
from tests.exporter.commands.exporter_process import Running, running
from tests.peers.slurm import SlurmCluster

BINDING = """
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {name: prod}
spec:
  cluster: alpha
  interval: 200ms
  slurm: {cli: {}}
  tracing: {enabled: true, staleAfter: 30s, tokenSecretRef: {name: trace, key: token}}
"""


class Traced(NamedTuple):
    """A cluster, the exporter that polls it, and how a job is traced."""

    cluster: SlurmCluster
    exporter: Running
    wrapper: str
    token: Path

    def processes(self, job: str) -> list[dict[str, Any]]:
        """Return the traced processes of a job that Slurm lists, each reported twice at least."""
        found = json.loads(self.exporter.get("/trace?format=json"))["processes"]
        listed = [one for one in found if one["job_id"] == job and one["listed"]]
        return listed if all(one["cpus"] is not None for one in listed) else []

    def srun(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["srun", "--quiet", *arguments],
            env=self.cluster.environment, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    directory: Path = tmp_path_factory.mktemp("traced")
    (directory / "prod.yaml").write_text(BINDING)
    (directory / "trace").mkdir()
    token = directory / "trace/token"
    token.write_text("secret\n")
    with (
        SlurmCluster("n[1-2]") as cluster,
        running(
            "run", f"--config.file={directory / 'prod.yaml'}", f"--secrets.directory={directory}",
            "--web.listen-address=127.0.0.1:0", **cluster.environment,
        ) as exporter,
    ):  # fmt: skip
        flags = f"--endpoint {exporter.url} --sample-rate 0.2 --token-file {token}"
        yield Traced(cluster, exporter, f"{sys.executable} -m rackwatt_trace {flags} --", token)


def series(text: str, name: str, job: str) -> list[tuple[str, float]]:
    """Return the other labels of each series of a job, and its value."""
    pattern = rf'^{name}\{{scheduler="prod",cluster="alpha",jobid="{job}",?(.*)\}} (\S+)$'
    return [(labels, float(value)) for labels, value in re.findall(pattern, text, re.MULTILINE)]


def test_each_rank_of_a_step_on_two_nodes_has_its_own_series(traced: Traced) -> None:
    command = f"srun -n3 {traced.wrapper} sleep 1000"
    job = traced.cluster.submit("-N2", "-n3", command=command)
    until(lambda: len(traced.processes(job)) == 3)
    found = traced.processes(job)
    assert sorted((one["step"], one["rank"], one["cluster"]) for one in found) == [
        ("0", 0, "toy"), ("0", 1, "toy"), ("0", 2, "toy"),
    ]  # fmt: skip
    assert {one["hostname"] for one in found} == {"n1", "n2"}
    text = traced.exporter.get("/metrics")
    ranks = {
        re.findall(r'rank="(\d)"', labels)[0]
        for labels, _ in series(text, "rackwatt_scheduler_trace_threads", job)
    }
    assert ranks == {"0", "1", "2"}
    assert series(text, "slurm_job_cpu_alloc", job) == [("", 3)]
    assert series(text, "slurm_job_mem_alloc", job) == [("", 3000 * 2**20)]
    ((labels, threads),) = series(text, "slurm_proc_threadcount", job)
    assert (labels, threads) == (f'username="{found[0]["username"]}"', 3)
    hosts = {labels for labels, _ in series(text, "slurm_proc_pid", job)}
    assert hosts == {'hostname="n1"', 'hostname="n2"'}
    traced.cluster.cancel(job)


def test_a_task_of_an_array_is_traced_by_the_name_that_squeue_has(traced: Traced) -> None:
    array = traced.cluster.submit("--array=3-4", "-n1", command=f"{traced.wrapper} sleep 1000")
    for task in (3, 4):
        until(lambda job=f"{array}_{task}": traced.processes(job))  # type: ignore[misc]
        ((_, cpus),) = series(
            traced.exporter.get("/metrics"), "slurm_job_cpu_alloc", f"{array}_{task}"
        )
        assert cpus == 1
    traced.cluster.cancel(array)


# What the wrapper of prometheus-slurm-exporter posts: the job is the number in its environment.
ORIGINAL = """
import json, os, socket, sys, time, urllib.request
url, token = sys.argv[1], open(sys.argv[2]).read().strip()
headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
while True:
    fields = {"pid": os.getpid(), "cpus": 1.0, "threads": 1.0, "mem": 1.0, "read_bytes": 0.0,
              "write_bytes": 0.0, "job_id": int(os.environ["SLURM_JOBID"]), "username": "u",
              "hostname": socket.gethostname()}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(fields).encode(), headers)).read()
    time.sleep(0.2)
"""


def test_tasks_of_an_array_are_traced_by_their_names_in_the_original_wrapper_too(
    traced: Traced, tmp_path: Path
) -> None:
    """The last task of an array has the number of the array, the others numbers of their own."""
    script = tmp_path / "original.py"
    script.write_text(ORIGINAL)
    command = f"{sys.executable} {script} {traced.exporter.url}/trace {traced.token}"
    array = traced.cluster.submit("--array=1-3", "-n1", command=command)
    for task in (1, 2, 3):
        until(lambda job=f"{array}_{task}": traced.processes(job))  # type: ignore[misc]
        text = traced.exporter.get("/metrics")
        assert series(text, "slurm_job_cpu_alloc", f"{array}_{task}") == [("", 1)]
        assert series(text, "slurm_proc_threadcount", f"{array}_{task}") == [('username="u"', 1)]
    every = json.loads(traced.exporter.get("/trace?format=json"))["processes"]
    assert {one["job_id"] for one in every if one["job_id"].partition("_")[0] == array} == {
        f"{array}_{task}" for task in (1, 2, 3)
    }
    traced.cluster.cancel(array)


def test_the_components_of_a_heterogeneous_job_are_traced_apart(traced: Traced) -> None:
    components = "-n1 -w n1 : -n1 -w n2"
    step = f"srun --het-group=0,1 {traced.wrapper} sleep 1000"
    process = subprocess.Popen(
        ["salloc", "--quiet", *components.split(), *step.split()], env=traced.cluster.environment
    )
    with process:
        try:
            found = until(
                lambda: [one for one in all_processes(traced) if "+" in one["job_id"]][1:]
            )
            leader = found[0]["job_id"].partition("+")[0]
            for component, node in ((0, "n1"), (1, "n2")):
                (one,) = until(lambda job=f"{leader}+{component}": traced.processes(job))  # type: ignore[misc]
                assert one["hostname"] == node
        finally:
            process.terminate()


def all_processes(traced: Traced) -> list[dict[str, Any]]:
    found = json.loads(traced.exporter.get("/trace?format=json"))["processes"]
    return [one for one in found if one["listed"]]


@pytest.mark.parametrize(
    ("script", "status"), [("exit 7", 7), ("kill -KILL $$", 137), ("exit 0", 0)]
)
def test_srun_has_the_exit_status_and_the_output_of_the_command(
    traced: Traced, script: str, status: int
) -> None:
    done = traced.srun("-n1", *traced.wrapper.split(), "sh", "-c", f"echo out; {script}")
    assert (done.returncode, done.stdout) == (status, "out\n")


def test_a_signal_of_scancel_reaches_the_command(traced: Traced, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    script = tmp_path / "script"
    script.write_text(
        f"trap 'echo caught >> {marks}; exit' USR1\necho ready >> {marks}\nwhile :; do sleep 0.05; done\n"
    )
    job = traced.cluster.submit("-n1", command=f"srun {traced.wrapper} sh {script}")
    until(lambda: marks.exists() and traced.processes(job))
    traced.cluster.cancel("--signal=USR1", job)
    until(lambda: marks.read_text() == "ready\ncaught\n")


def test_nothing_of_a_cancelled_job_stays_behind(traced: Traced) -> None:
    job = traced.cluster.submit("-n1", command=f"{traced.wrapper} sleep 1000")
    until(lambda: traced.processes(job))
    assert processes_of(job, traced.cluster)
    traced.cluster.cancel(job)
    until(lambda: not processes_of(job, traced.cluster))


def processes_of(job: str, cluster: SlurmCluster) -> list[str]:
    """List the processes that were started with the environment of a job of this cluster."""
    marks = {f"SLURM_JOB_ID={job}".encode(), f"SLURM_CONF={cluster.configuration}".encode()}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marks <= set((process / "environ").read_bytes().split(b"\0")):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found
