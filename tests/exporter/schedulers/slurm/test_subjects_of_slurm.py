"""Subjects of a real Slurm 22.05, by its commands and by slurmrestd: both report the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from rackwatt_exporter.schedulers.slurm.subjects import SUBJECTS
from tests.eventually import PATIENCE_S
from tests.peers.slurm import SlurmCluster

# What Slurm reports without slurmdbd; test_accounting_of_slurm.py has the others.
REPORTED = [one for one in SUBJECTS if one.option not in ("limits", "fairshare")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    """A cluster with licences, of which a job holds some."""
    with SlurmCluster("n[1-2]", rest=True, more="Licenses=matlab:10,ansys:2") as running:
        running.allocate("-n1", "-L", "matlab:3,ansys:2")
        yield running


async def by_commands(cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> SchedulerSnapshot:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    host = LocalHost(VARIABLES, SETTINGS)
    return await SlurmCommands(host, None, PATIENCE_S, jobs=True, subjects=REPORTED).read()


async def by_rest(cluster: SlurmCluster, secrets: Path) -> SchedulerSnapshot:
    (secrets / "slurm").mkdir()
    (secrets / "slurm" / "jwt.key").write_bytes(cluster.jwt_key.read_bytes())
    options = SlurmRestOptions(cluster.rest_url, user="root", jwt_key=SecretKey("slurm", "jwt.key"))
    slurm = SlurmRest(options, Secrets(secrets), PATIENCE_S, jobs=True, subjects=REPORTED)
    try:
        return await slurm.read()
    finally:
        await slurm.close()


async def both(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[SchedulerSnapshot, SchedulerSnapshot]:
    return await by_commands(cluster, monkeypatch), await by_rest(cluster, tmp_path)


async def test_licences_are_those_that_are_configured_and_that_a_job_holds(
    cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for snapshot in await both(cluster, monkeypatch, tmp_path):
        assert snapshot.licenses == (License("ansys", 2, 2, 0, 0), License("matlab", 10, 3, 7, 0))
        assert snapshot.note == ""
        assert snapshot.jobs is not None


async def test_a_cluster_without_licences_has_none_by_either_way(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for snapshot in await both(stage, monkeypatch, tmp_path):
        assert snapshot.licenses == ()
