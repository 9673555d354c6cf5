"""The dashboard of GPUs evaluated by a real Prometheus, which scrapes an exporter with such GPUs."""

from pathlib import Path

import pytest

from tests import nvml
from tests.eventually import until
from tests.exporter.commands.exporter_process import running
from tests.exporter.units.jobs import Jobs
from tests.operator.manifests.builders import nodes, planned
from tests.operator.manifests.test_dashboards import Outcome, configuration, expressions
from tests.peers.prometheus import prometheus

TWO = "GPU-5c1f0b6e-0002"


def document(library: Path) -> str:
    settings = (
        f'[nvidia], nvidia: {{library: {library}}}, units: {{slurm: {{gpuOrderMap: "0:1,1:0.3"}}}}'
    )
    return nodes("nvidia", "interval: 500ms").replace("[nvidia]", settings)


def show(file: Path, millijoules: int) -> None:
    """Have the whole GPU draw 100 W since it was shown the last time, and nothing keep it busy."""
    nvml.show(file, nvml.A100.replace("98765432100", str(millijoules)).replace("1 87 ", "1 2 "))


def test_prometheus_answers_every_panel_of_gpus(tmp_path: Path) -> None:
    text, gpus = document(nvml.library(tmp_path)), tmp_path / "gpus"
    (tmp_path / "documents.yaml").write_text(text)
    jobs = Jobs(tmp_path / "node")
    jobs.add(7, b"SLURM_JOB_GPUS=0\0SLURM_SHARDS_ON_NODE=1\0")
    jobs.add(8, b"SLURM_JOB_GPUS=0\0SLURM_SHARDS_ON_NODE=3\0")
    jobs.add(9, b"SLURM_JOB_GPUS=1\0")  # an instance of the other GPU
    show(gpus, 1)
    manifests = planned(text)
    board = [one for one in expressions(manifests) if "gpu" in one[1] and one[0] != "Sources"]
    assert len(board) > 10
    with running(
        "run", f"--config.file={tmp_path / 'documents.yaml'}", "--web.listen-address=127.0.0.1:0",
        f"--path.sysfs={jobs.tree.sysfs}", f"--path.procfs={jobs.tree.procfs}",
        "--node.name=worker1", FAKE_NVML=str(gpus),
    ) as run:  # fmt: skip
        scraped = configuration(run.url.removeprefix("http://"), manifests, tmp_path)
        with prometheus(tmp_path / "db", scraped) as peer:
            millijoules = iter(range(1_000, 10**9, 1_000))

            def silent() -> list[str]:
                show(gpus, next(millijoules))
                return [title for title, expression in board if not peer.query(expression)]

            until(lambda: Outcome(silent()))
            parts = peer.query('rackwatt_unit_gpu_share{instance!=""}')
            assert [(one["metric"]["unit"], one["metric"]["instance"]) for one in parts] == [
                ("9", "3")
            ]
            whole = 'sum by (unit, gpu_uuid) (rackwatt_unit_gpu_share{instance=""})'
            shares = peer.query(whole)
            found = {one["metric"]["unit"]: float(one["value"][1]) for one in shares}
            assert found == {"7": pytest.approx(0.25), "8": pytest.approx(0.75)}
            assert {one["metric"]["gpu_uuid"] for one in shares} == {TWO}
