"""`/alloy-targets`, as HTTP and as a real Prometheus reads it."""

from pathlib import Path

from rackwatt_exporter.config.paths import HostPaths
from tests.exporter.commands.exporter_process import running
from tests.exporter.running_exporter import RunningExporter
from tests.exporter.units.jobs import Jobs
from tests.peers.prometheus import prometheus

DOCUMENT = """\
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec:
  interval: 200ms
  node:
    collectors: [cpu]
    units: {slurm: {}}
"""
PROFILING = DOCUMENT + "    profiling: {environmentVariables: [PROFILE]}\n"
STAT = "cpu  1 0 1 9 0 0 0 0 0 0\ncpu0 1 0 1 9 0 0 0 0 0 0\nintr 0\n"


def node(directory: Path) -> Jobs:
    jobs = Jobs(directory)
    (jobs.tree.procfs / "stat").write_text(STAT)
    for job, variables in ((7, b"PROFILE=1\0"), (8, b"")):
        jobs.add(job, variables)
        (jobs.tree.procfs / str(job) / "cmdline").write_bytes(b"a.out\0")
    return jobs


async def test_the_list_has_the_processes_that_have_the_variable(tmp_path: Path) -> None:
    tree = node(tmp_path / "host").tree
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "nodes.yaml").write_text(PROFILING)
    host = HostPaths("n1", tree.sysfs, tree.procfs)
    async with RunningExporter(documents, host=host) as site:
        await site.until(lambda text: 'rackwatt_units{node="n1",manager="slurm"} 2' in text)
        async with site.get("/alloy-targets") as response:
            assert response.headers["Content-Type"] == "application/json"
            assert await response.json() == [
                {"targets": ["7"], "labels": {"__process_pid__": "7", "service_name": "7"}}
            ]
        (documents / "nodes.yaml").write_text(DOCUMENT)
        await site.exporter.reload()
        async with site.get("/alloy-targets") as response:
            assert response.status == 404
            assert "spec.node.profiling" in await response.text()


def test_prometheus_discovers_the_processes(tmp_path: Path) -> None:
    tree = node(tmp_path / "host").tree
    (tmp_path / "nodes.yaml").write_text(DOCUMENT + "    profiling: {}\n")
    with running(
        "run", f"--config.file={tmp_path / 'nodes.yaml'}", "--web.listen-address=127.0.0.1:0",
        f"--path.sysfs={tree.sysfs}", f"--path.procfs={tree.procfs}",
    ) as run:  # fmt: skip
        run.until_served(lambda text: '"__process_pid__":"8"' in text, "/alloy-targets")
        discovery = {"url": f"{run.url}/alloy-targets", "refresh_interval": "1s"}
        relabeled = {"source_labels": ["__process_pid__"], "target_label": "pid"}
        job = {
            "job_name": "profiles",
            "http_sd_configs": [discovery],
            "relabel_configs": [relabeled],
        }
        with prometheus(tmp_path / "prometheus", {"scrape_configs": [job]}) as peer:
            peer.until(lambda peer: len(peer.targets()) == 2)
            labels = [one["labels"] for one in peer.targets()]
            assert sorted((one["service_name"], one["pid"]) for one in labels) == [
                ("7", "7"),
                ("8", "8"),
            ]
