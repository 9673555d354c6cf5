"""Pages of the running command with profiles: valid in both formats, and without them as before."""

from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.exporter.commands.exporter_process import running
from tests.exporter.profiles.captured_node import write_node
from tests.peers.prometheus import prometheus

DOCUMENT = """\
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec:
  interval: 1s
  node:
    collectors: [cpu, memory, rapl]
    units: {slurm: {}}
"""
QUERIES = {
    "--profile.ceems=0.10": 'ceems_compute_unit_cpus{hostname="vm",manager="slurm"}',
    "--profile.batchjob": 'batchjob_slurm_job_cpus{batch="slurm"}',
}
PROFILES = {"--profile.ceems=0.10": "ceems_", "--profile.batchjob": "batchjob_"}


@pytest.mark.parametrize("flags", [list(PROFILES), []], ids=["with", "without"])
def test_a_page_has_a_profile_where_its_flag_is_given(flags: list[str], tmp_path: Path) -> None:
    write_node(tmp_path, 2)
    (tmp_path / "nodes.yaml").write_text(DOCUMENT)
    with running(
        "run", f"--config.file={tmp_path / 'nodes.yaml'}", "--web.listen-address=127.0.0.1:0",
        f"--path.sysfs={tmp_path / 'sys'}", f"--path.procfs={tmp_path / 'proc'}",
        "--node.name=vm", *flags,
    ) as run:  # fmt: skip
        run.until_served(lambda text: text == "ready\n", "/readyz")
        accept = {"Accept": "application/openmetrics-text"}
        text = httpx.get(f"{run.url}/metrics", headers=accept).text
        job = {
            "job_name": "node",
            "static_configs": [{"targets": [run.url.removeprefix("http://")]}],
        }
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [job],
        }
        with prometheus(tmp_path / "prometheus", config) as peer:
            peer.until(lambda peer: peer.query('rackwatt_units{manager="slurm"}'))
            for flag, query in QUERIES.items():
                assert len(peer.query(query)) == (3 if flag in flags else 0)
    names = {one.name for one in text_string_to_metric_families(text)}
    for flag, prefix in PROFILES.items():
        assert any(name.startswith(prefix) for name in names) is (flag in flags)
    assert "rackwatt_units" in names
