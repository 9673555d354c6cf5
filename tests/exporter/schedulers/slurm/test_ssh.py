"""Node states through a real sshd and a real Slurm 22.05 behind it; the oracle is scontrol."""

import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands, SshOptions, command_runner
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import ENVIRONMENT, SlurmCommands
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.conftest import TRUTH, WORDS
from tests.exporter.schedulers.snapshots import states
from tests.peers.slurm import SlurmCluster
from tests.peers.sshd import Sshd, sshd

LOOPS = ("asyncio", "uvloop")


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[Sshd]:
    async with sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def secrets(peer: Sshd, tmp_path: Path) -> Secrets:
    directory = tmp_path / "secrets" / "login"
    directory.mkdir(parents=True)
    (directory / "ssh-privatekey").write_bytes(peer.client_key.read_bytes())
    (directory / "ssh-privatekey").chmod(0o600)
    (directory / "known_hosts").write_bytes(peer.known_hosts.read_bytes())
    return Secrets(tmp_path / "secrets")


@pytest.fixture
async def options(peer: Sshd, stage: SlurmCluster, tmp_path: Path) -> SshOptions:
    """sshd gives commands a bare environment, so a wrapper says which cluster is meant."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sinfo", "squeue"):
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={stage.configuration} exec {name} "$@"\n')
        wrapper.chmod(0o755)
    return SshOptions(
        host=peer.address,
        port=peer.port,
        user=peer.user,
        path=str(folder),
        key_secret="login",
        known_hosts_secret="login",
    )


def over_ssh(options: SshOptions, secrets: Secrets) -> SlurmCommands:
    host = command_runner(options, secrets, ENVIRONMENT)
    return SlurmCommands(SchedulerCommands(host, options.path, PATIENCE_S), jobs=True)


async def test_every_state_of_a_real_slurm_is_read_over_one_login(
    options: SshOptions, secrets: Secrets, stage: SlurmCluster, peer: Sshd
) -> None:
    scheduler = over_ssh(options, secrets)
    try:
        first, second = await scheduler.read(), await scheduler.read()
    finally:
        await scheduler.close()
    assert stage.truth() == TRUTH
    assert states(first) == states(second) == WORDS
    assert first.version == "22.05.8"
    assert peer.logins() == 1
    assert first.jobs
    assert all(job.submitted_at_s for job in first.jobs)
    assert (first.unread_jobs, first.note) == (0, "")


async def test_a_missing_sinfo_there_is_command_failed_and_says_what_to_do(
    options: SshOptions, secrets: Secrets
) -> None:
    scheduler = over_ssh(replace(options, path="/nowhere"), secrets)
    with pytest.raises(ReadError) as caught:
        await scheduler.read()
    await scheduler.close()
    assert caught.value.reason is Reason.COMMAND_FAILED
    assert "install" in str(caught.value)


async def test_a_key_that_is_not_known_there_is_auth_failed(
    options: SshOptions, secrets: Secrets, tmp_path: Path, peer: Sshd
) -> None:
    (peer.client_key.parent / "authorized_keys").write_text("")
    scheduler = over_ssh(options, secrets)
    with pytest.raises(ReadError) as caught:
        await scheduler.read()
    await scheduler.close()
    assert caught.value.reason is Reason.AUTH_FAILED


async def test_closing_leaves_no_file_behind(
    options: SshOptions, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as place:  # short, as a Unix socket's path must be
        monkeypatch.setattr(tempfile, "tempdir", place)
        scheduler = over_ssh(options, secrets)
        await scheduler.read()
        assert os.listdir(place)
        await scheduler.close()
        assert not os.listdir(place)


# What a login shell of a site may do before and after a command: all without ending a line.
NASTY = r"""
printf '\033]0;login1\007\033[?1034hLoading modules... done'
export SLURM_CLUSTERS=other SINFO_PARTITION=again SINFO_FORMAT=%N SINFO_ALL=1 SLURM_TIME_FORMAT=x
alias sinfo=false
sinfo() { false; }
trap 'printf "logged out of n1|"' EXIT
"""


async def answered(options: SshOptions, tmp_path: Path, more: str) -> SchedulerSnapshot:
    """Read once through an sshd with more in its configuration."""
    async with sshd(tmp_path / "another", more) as peer:
        login = tmp_path / "secrets" / "login"
        (login / "ssh-privatekey").write_bytes(peer.client_key.read_bytes())
        (login / "known_hosts").write_bytes(peer.known_hosts.read_bytes())
        secrets = Secrets(tmp_path / "secrets")
        scheduler = over_ssh(replace(options, port=peer.port), secrets)
        try:
            return await scheduler.read()
        finally:
            await scheduler.close()


async def test_a_nasty_login_shell_costs_no_node_its_state(
    options: SshOptions, secrets: Secrets, tmp_path: Path
) -> None:
    """bash reads what BASH_ENV names before it runs a command."""
    (tmp_path / "nasty").write_text(NASTY)
    answer = await answered(options, tmp_path, f"SetEnv BASH_ENV={tmp_path}/nasty")
    assert states(answer) == WORDS
    assert (answer.unread, answer.unread_jobs, answer.note) == (0, 0, "")
    assert answer.version == "22.05.8"


async def test_sinfo_over_ssh_ignores_a_cluster_that_a_login_shell_names(
    options: SshOptions, secrets: Secrets, tmp_path: Path
) -> None:
    (tmp_path / "bin" / "sinfo").write_text(
        '#!/bin/sh\n[ -z "$SLURM_CLUSTERS" ] || echo CLUSTER: other\n'
        'case "$*" in *%D*) echo "1|1|";; *) echo "n1|idle|idle|n1|";; esac\n'
    )
    answer = await answered(options, tmp_path, "SetEnv SLURM_CLUSTERS=other")
    assert states(answer) == {"n1": "idle"}
