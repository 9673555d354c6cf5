"""From a document to the scheduler it means."""

import subprocess
import sys
from pathlib import Path

import pytest

from rackwatt_crds import kinds
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.registry import SCHEDULERS, scheduler
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.conftest import WORDS
from tests.exporter.schedulers.snapshots import states
from tests.peers.slurm import SlurmCluster

REST = "slurm: {rest: {url: 'http://slurm:6820', tokenSecretRef: {name: slurm, key: token}}}"

CLOUD = (
    "openstack: {authURL: 'http://keystone:5000/v3', "
    "password: {secretRef: {name: a}, systemScope: all}}"
)


def test_every_scheduler_of_documents_has_its_reader_and_no_other() -> None:
    assert set(SCHEDULERS) == set(kinds.SCHEDULERS)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("slurm: {cli: {}}", "SlurmCommands"),
        ("slurm: {ssh: {host: login1}}", "SlurmCommands"),
        (REST, "SlurmRest"),
        ("htcondor: {cli: {}}", "JsonScheduler"),
        ("htcondor: {ssh: {host: login1}}", "JsonScheduler"),
        ("lsf: {cli: {}}", "JsonScheduler"),
        ("lsf: {ssh: {host: login1}}", "JsonScheduler"),
        ("flux: {cli: {}}", "JsonScheduler"),
        ("flux: {ssh: {host: login1}}", "JsonScheduler"),
        ("kubernetes: {}", "KubernetesScheduler"),
        (CLOUD, "Cloud"),
        ("gridengine: {cli: {}}", "GridEngine"),
        ("gridengine: {ssh: {host: login1}}", "GridEngine"),
        ("pbs: {cli: {}}", "Pbs"),
        ("pbs: {ssh: {host: login1}}", "Pbs"),
        ("noop: {}", "Noop"),
        ("exporter: {url: 'http://power:9123'}", "RemoteScheduler"),
    ],
)
async def test_each_way_to_a_scheduler_has_its_reader(spec: str, name: str, tmp_path: Path) -> None:
    made = scheduler(resolved(spec), Secrets(tmp_path))
    assert type(made).__name__ == name
    await made.close()


async def test_the_registry_reads_a_real_slurm_by_its_local_commands(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(stage.configuration))
    made = scheduler(resolved("slurm: {cli: {}}"), Secrets(tmp_path))
    assert states(await made.read()) == WORDS
    await made.close()


def test_a_site_with_sinfo_does_not_pay_for_httpx() -> None:
    program = "import sys, rackwatt_exporter.schedulers.registry; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n"
