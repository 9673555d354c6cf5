"""What a document makes of Slurm: which subjects are read, and whose requests they are."""

import getpass
import os
import pwd
import time
from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import CliOptions, SshOptions
from rackwatt_exporter.schedulers.slurm.auth import TokenTimes, sign_jwt
from rackwatt_exporter.schedulers.slurm.ways import slurm_scheduler, token_of, user_of
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


@pytest.mark.parametrize("printed", [True, False])
async def test_a_token_in_our_environment_is_what_commands_use_and_its_times_are_known(
    printed: bool, stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(stage.configuration))
    if printed:
        monkeypatch.setenv("SLURM_JWT", stage.token(900))
    scheduler = slurm_scheduler(resolved("slurm: {cli: {}}, timeout: 30s"), Secrets(Path()))
    try:
        snapshot = await scheduler.read()
    finally:
        await scheduler.close()
    assert snapshot.nodes
    issued_at_s, expires_at_s = snapshot.token_issued_at_s, snapshot.token_expires_at_s
    if printed:
        assert expires_at_s == (issued_at_s or 0) + 900
    else:
        assert (issued_at_s, expires_at_s) == (None, None)


async def test_a_token_in_our_environment_that_has_expired_is_refused(
    stage: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the times are those of the token that Slurm looks at."""
    key = stage.jwt_key.read_bytes()
    monkeypatch.setenv("SLURM_CONF", str(stage.configuration))
    monkeypatch.setenv("SLURM_JWT", sign_jwt(key, "root", time.time() - 7200))
    scheduler = slurm_scheduler(resolved("slurm: {cli: {}}, timeout: 30s"), Secrets(Path()))
    try:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
    finally:
        await scheduler.close()
    assert caught.value.reason is Reason.AUTH_FAILED


def test_a_token_in_our_environment_is_not_that_of_commands_on_another_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_JWT", sign_jwt(b"key", "root", 1000))
    assert token_of(CliOptions()) == TokenTimes(1000, 4600)
    assert token_of(SshOptions("login1", user="watt")) == TokenTimes()


def test_commands_are_run_by_our_own_user_here_and_by_the_one_that_logs_in_there() -> None:
    assert user_of(CliOptions()) == pwd.getpwuid(os.geteuid()).pw_name
    assert user_of(SshOptions("login1", user="watt")) == "watt"
    assert user_of(SshOptions("login1")) == ""


def test_a_user_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 2)
    assert user_of(CliOptions()) == str(2**31 - 2)
