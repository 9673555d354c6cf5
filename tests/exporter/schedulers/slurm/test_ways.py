"""What a document makes of Slurm: which subjects are read, and whose requests they are."""

import getpass
import os
import pwd
from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.commands import CliOptions, SshOptions
from rackwatt_exporter.schedulers.slurm.ways import slurm_scheduler, user_of
from tests.exporter.schedulers.bindings import resolved
from tests.peers.slurm import SlurmCluster


async def test_what_a_document_wants_is_read_and_nothing_else(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(stage.configuration))
    spec = "slurm: {cli: {}}, timeout: 30s, metrics: {reservations: true, users: false}"
    scheduler = slurm_scheduler(resolved(spec), Secrets(Path()))
    try:
        snapshot = await scheduler.read()
    finally:
        await scheduler.close()
    assert snapshot.reservations
    assert snapshot.queues
    assert (snapshot.licenses, snapshot.diagnostics, snapshot.limits) == (None, None, None)
    assert snapshot.user == getpass.getuser()


def test_commands_are_run_by_our_own_user_here_and_by_the_one_that_logs_in_there() -> None:
    assert user_of(CliOptions()) == pwd.getpwuid(os.geteuid()).pw_name
    assert user_of(SshOptions("login1", user="watt")) == "watt"
    assert user_of(SshOptions("login1")) == ""


def test_a_user_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 2)
    assert user_of(CliOptions()) == str(2**31 - 2)
