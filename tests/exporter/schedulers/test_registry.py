"""From a document to the scheduler it means."""

import subprocess
import sys
from pathlib import Path

import pytest

from rackwatt_exporter.config.scheduler import (
    NoopOptions,
    SchedulerConfig,
    SchedulerOptions,
    SecretKey,
    SlurmCliOptions,
    SlurmRestOptions,
    SlurmSshOptions,
)
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.registry import scheduler
from tests.exporter.schedulers.conftest import WORDS
from tests.peers.slurm import SlurmCluster


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (SlurmCliOptions(), "Sinfo"),
        (SlurmSshOptions(host="login1"), "SlurmSsh"),
        (SlurmRestOptions("http://slurm:6820", token=SecretKey("slurm", "token")), "SlurmRest"),
        (NoopOptions(), "Noop"),
    ],
)
async def test_each_way_to_ask_has_its_scheduler(
    options: SchedulerOptions, name: str, tmp_path: Path
) -> None:
    made = scheduler(SchedulerConfig("prod", "prod", "prod", options), Secrets(tmp_path))
    assert type(made).__name__ == name
    await made.close()


async def test_the_local_commands_of_a_real_slurm_are_asked(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(stage.configuration))
    made = scheduler(SchedulerConfig("prod", "prod", "prod", SlurmCliOptions()), Secrets(tmp_path))
    assert (await made.read()).states == WORDS
    await made.close()


def test_a_site_with_sinfo_does_not_pay_for_httpx() -> None:
    program = "import sys, rackwatt_exporter.schedulers.registry; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n"
