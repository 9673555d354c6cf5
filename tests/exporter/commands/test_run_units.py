"""The real command measuring the units of a node: what every scraper sees, with few privileges."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import nvml
from tests.exporter.collectors.amd.test_cards import MI300, SENSORS
from tests.exporter.collectors.amd.tree import Cards, table
from tests.exporter.commands.exporter_process import running
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.jobs import JOB, STEP, Jobs

NVIDIA = "nvidia"
TWO = "GPU-5c1f0b6e-0002"
UID = 65534
NODES = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: nodes}}
spec:
  interval: 500ms
  node: {{collectors: [{collector}], units: {{{units}}}}}
"""
USER = (
    "setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
    "--bounding-set=-all,+sys_ptrace", "--inh-caps=-all,+sys_ptrace",
    "--ambient-caps=-all,+sys_ptrace",
)  # fmt: skip

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")


def arguments(
    directory: Path, collector: str, units: str, tree: CgroupTree, procfs: Path
) -> list[str]:
    text = NODES.format(collector=collector, units=units)
    if collector == NVIDIA:
        text = text.replace("units:", f"nvidia: {{library: {nvml.library(directory)}}}, units:")
        nvml.show(directory / "gpus", nvml.A100)
    (directory / "nodes.yaml").write_text(text)
    return [
        "run", f"--config.file={directory / 'nodes.yaml'}", "--web.listen-address=127.0.0.1:0",
        f"--path.sysfs={tree.sysfs}", f"--path.procfs={procfs}", "--node.name=n1",
    ]  # fmt: skip


def shares(page: str) -> dict[str, str]:
    """Return the GPU and the share of each unit."""
    found = re.findall(
        r'^rackwatt_unit_gpu_share\{.*unit="(.+?)",.*gpu_uuid="(.+?)".*\} (\S+)$', page, re.M
    )
    return {unit: f"{uuid} {share}" for unit, uuid, share in found}


def test_many_scrapers_at_once_see_the_same_gpus_of_each_job(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    for job in range(1, 40):
        jobs.add(job, b"SLURM_JOB_GPUS=0\0" if job <= 4 else b"SLURM_JOB_GPUS=\0")
    settings = 'slurm: {gpuOrderMap: "0:1"}'
    with running(
        *arguments(tmp_path, NVIDIA, settings, jobs.tree, jobs.tree.procfs),
        FAKE_NVML=str(tmp_path / "gpus"),
    ) as run:
        expected = {str(job): f"{TWO} 0.25" for job in range(1, 5)}
        run.until_served(lambda text: shares(text) == expected, "/metrics")
        with ThreadPoolExecutor(8) as scrapers:
            pages = list(scrapers.map(run.get, ["/metrics"] * 80))
        assert all(shares(page) == expected for page in pages)


@contextmanager
def process_of_another_user(**variables: str) -> Iterator[int]:
    command = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "cat")
    environment = {**os.environ, **variables}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate()


@as_root
def test_gpus_of_pods_are_found_after_root_dropped_its_privileges(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    with process_of_another_user(NVIDIA_VISIBLE_DEVICES=TWO) as pid:
        tree.group("kubepods/poda", Use(), below="container", pid=pid)
        started = arguments(tmp_path, NVIDIA, "kubernetes: {}", tree, Path("/proc"))
        with running(*started, FAKE_NVML=str(tmp_path / "gpus")) as run:
            run.until_logged(lambda line: "with these capabilities alone" in line)
            run.until_served(lambda text: shares(text) == {"a": f"{TWO} 1.0"}, "/metrics")


@as_root
def test_gpus_of_jobs_are_found_by_a_user_with_one_capability() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        process_of_another_user(SLURM_JOB_GPUS="0") as pid,
    ):
        os.chmod(folder, 0o755)  # accessible to all users, unlike those of pytest
        directory, tree = Path(folder), CgroupTree(Path(folder))
        device = Cards(tree.sysfs).add(1, "0000:05:00.0", MI300, SENSORS)
        (device / "gpu_metrics").write_bytes(table(4, 139586437.125))
        tree.group(JOB.format(7), Use(), below=STEP, pid=pid)
        started = arguments(directory, "amd", "slurm: {}", tree, Path("/proc"))
        with running(*started, under=USER) as run:
            expected = {"7": "GPU-a100000000000001 1.0"}
            run.until_served(lambda text: shares(text) == expected, "/metrics")
