"""Node states through a real slurmrestd 22.05; the oracle of its states is scontrol."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.auth import LIFE_S, sign_jwt
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.conftest import REASON, SILENT, WORDS
from tests.exporter.schedulers.snapshots import details, details_by_scontrol, states
from tests.peers.slurm import SlurmCluster

LOOPS = ("attended",)  # as in production; what matters here runs the same on each
KEY = SecretKey("slurm", "jwt_hs256.key")
TOKEN = SecretKey("slurm", "token")


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    (tmp_path / "slurm").mkdir()
    return Secrets(tmp_path)


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    """A small cluster whose daemons tests may stop, as long as they start them again."""
    with SlurmCluster("n1", rest=True, more="MessageTimeout=3") as running:
        yield running


def with_key(cluster: SlurmCluster, directory: Path, user: str = "root") -> SlurmRestOptions:
    (directory / "slurm" / KEY.key).write_bytes(cluster.jwt_key.read_bytes())
    return SlurmRestOptions(cluster.rest_url, user=user, jwt_key=KEY)


def with_token(
    cluster: SlurmCluster, directory: Path, token: str, user: str | None = "root"
) -> SlurmRestOptions:
    (directory / "slurm" / TOKEN.key).write_text(token + "\n")
    return SlurmRestOptions(cluster.rest_url, user=user, token=TOKEN)


@asynccontextmanager
async def asking(options: SlurmRestOptions, secrets: Secrets) -> AsyncIterator[SlurmRest]:
    scheduler = SlurmRest(options, secrets, PATIENCE_S, jobs=False)
    try:
        yield scheduler
    finally:
        await scheduler.close()


async def failure_of(options: SlurmRestOptions, secrets: Secrets) -> ReadError:
    async with asking(options, secrets) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
    return caught.value


async def test_every_state_of_a_real_slurm_is_read_with_a_token_of_our_own(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(stage, tmp_path), secrets) as scheduler:
        answer = await scheduler.read()
    assert states(answer) == WORDS
    assert answer.version == "22.05.8"
    assert answer.usage is not None
    assert set(WORDS) - answer.usage.keys() - {"d1", "d2"} == SILENT


async def test_base_flags_partitions_and_reason_of_a_real_slurm_are_those_of_scontrol(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(stage, tmp_path), secrets) as scheduler:
        snapshot = await scheduler.read()
    assert details(snapshot) == details_by_scontrol(stage)
    assert snapshot.nodes["n6"].reason == REASON
    drained_at_s = snapshot.nodes["n5"].reason_at_s
    assert drained_at_s is not None
    assert 0 <= time.time() - drained_at_s < 24 * 3600


async def test_a_token_that_slurm_made_is_taken_as_scontrol_prints_it(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    token = f"SLURM_JWT={stage.token()}"
    async with asking(with_token(stage, tmp_path, token), secrets) as scheduler:
        assert states(await scheduler.read()) == WORDS


async def test_a_snapshot_has_the_times_of_the_token_that_it_was_read_with(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(stage, tmp_path), secrets) as scheduler:
        ours = await scheduler.read()
        again = await scheduler.read()
    assert ours.token_expires_at_s == (ours.token_issued_at_s or 0) + LIFE_S
    assert (again.token_issued_at_s, again.nodes) == (ours.token_issued_at_s, ours.nodes)
    async with asking(with_token(stage, tmp_path, stage.token(900)), secrets) as scheduler:
        theirs = await scheduler.read()
    assert theirs.token_expires_at_s == (theirs.token_issued_at_s or 0) + 900


async def test_an_ordinary_user_may_read_nodes(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(stage, tmp_path, user="daemon"), secrets) as scheduler:
        assert states(await scheduler.read()) == WORDS


async def test_both_versions_of_the_interface_say_the_same(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    for version in ("v0.0.37", "v0.0.38"):
        stage.stop_rest()
        stage.start_rest(version)
        async with asking(with_key(stage, tmp_path), secrets) as scheduler:
            assert states(await scheduler.read()) == WORDS
    stage.stop_rest()
    stage.start_rest()


async def test_a_version_that_is_gone_is_negotiated_again(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    cluster.stop_rest()
    cluster.start_rest("v0.0.38")
    async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
        await scheduler.read()
        cluster.stop_rest()
        cluster.start_rest("v0.0.37")
        assert set((await scheduler.read()).nodes) == {"n1"}
    cluster.stop_rest()
    cluster.start_rest()


async def test_versions_that_are_all_too_old_are_a_bad_reply_that_names_them(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    cluster.stop_rest()
    cluster.start_rest("v0.0.36")
    error = await failure_of(with_key(cluster, tmp_path), secrets)
    cluster.stop_rest()
    cluster.start_rest()
    assert error.reason is Reason.BAD_REPLY
    assert "v0.0.36" in str(error)


async def test_an_expired_token_is_auth_failed_and_not_shown(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    token = sign_jwt(cluster.jwt_key.read_bytes(), "root", time.time() - 60, life_s=30)
    error = await failure_of(with_token(cluster, tmp_path, token), secrets)
    assert error.reason is Reason.AUTH_FAILED
    assert str(error).startswith("the token expired at 20")
    assert token not in str(error)


async def test_a_wrong_key_is_auth_failed_and_the_right_one_counts_once_it_is_there(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    options = with_key(cluster, tmp_path)
    (tmp_path / "slurm" / KEY.key).write_bytes(os.urandom(32))
    async with asking(options, secrets) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.AUTH_FAILED
        with_key(cluster, tmp_path)
        assert set((await scheduler.read()).nodes) == {"n1"}


async def test_a_rotated_token_counts_from_the_next_reading_on(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_token(cluster, tmp_path, "not.a.token"), secrets) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.AUTH_FAILED
        with_token(cluster, tmp_path, cluster.token())
        assert set((await scheduler.read()).nodes) == {"n1"}


async def test_a_token_without_a_user_is_auth_failed_and_says_what_22_05_wants(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    options = with_token(cluster, tmp_path, cluster.token(), user=None)
    error = await failure_of(options, secrets)
    assert error.reason is Reason.AUTH_FAILED
    assert "user" in str(error)


async def test_a_key_that_ends_in_a_newline_is_taken_whole(
    secrets: Secrets, tmp_path: Path
) -> None:
    with SlurmCluster("n1", rest=True, jwt_key=os.urandom(31) + b"\n") as cluster:
        async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
            assert set((await scheduler.read()).nodes) == {"n1"}


async def test_a_missing_key_is_credentials_missing_and_names_the_file(
    cluster: SlurmCluster, secrets: Secrets
) -> None:
    options = SlurmRestOptions(cluster.rest_url, user="root", jwt_key=KEY)
    error = await failure_of(options, secrets)
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert KEY.key in str(error)


async def test_a_slurmrestd_that_is_gone_is_refused_and_found_again(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
        await scheduler.read()
        cluster.stop_rest()
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.CONNECTION_REFUSED
        cluster.start_rest()
        assert set((await scheduler.read()).nodes) == {"n1"}


async def test_a_slurmctld_that_is_gone_is_unreachable_and_found_again(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
        await scheduler.read()
        cluster.stop_controller()
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.UNREACHABLE
        assert "slurmctld" in str(caught.value)
        cluster.start_controller()
        assert set((await scheduler.read()).nodes) == {"n1"}


async def test_a_slurmctld_that_is_silent_is_a_timeout(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    options = with_key(cluster, tmp_path)
    scheduler = SlurmRest(options, secrets, timeout_s=1.0, jobs=False)
    await at_last(scheduler)
    with cluster.frozen("slurmctld"), pytest.raises(ReadError) as caught:
        await scheduler.read()
    assert caught.value.reason is Reason.TIMEOUT
    assert set((await at_last(scheduler)).nodes) == {"n1"}
    await scheduler.close()


async def at_last(scheduler: SlurmRest) -> SchedulerSnapshot:
    """Read, and again where a busy machine needed longer than the timeout."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await scheduler.read()
            except ReadError as error:
                assert error.reason is Reason.TIMEOUT


async def test_a_cancelled_reading_leaves_a_scheduler_that_can_go_on(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    async with asking(with_key(cluster, tmp_path), secrets) as scheduler:
        await scheduler.read()
        with cluster.frozen("slurmctld"), pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await scheduler.read()
        assert set((await scheduler.read()).nodes) == {"n1"}


async def test_a_user_whom_nodes_are_hidden_from_is_auth_failed_with_the_reason(
    secrets: Secrets, tmp_path: Path
) -> None:
    with SlurmCluster("n1", rest=True, more="PrivateData=nodes") as cluster:
        error = await failure_of(with_key(cluster, tmp_path, user="daemon"), secrets)
    assert error.reason is Reason.AUTH_FAILED
    assert "PrivateData" in str(error)


async def test_a_unix_socket_is_read_with_a_token(
    stage: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    options = replace(with_key(stage, tmp_path), url=f"unix:{stage.rest_socket}")
    async with asking(options, secrets) as scheduler:
        assert states(await scheduler.read()) == WORDS
        assert states(await scheduler.read()) == WORDS


async def test_a_unix_socket_that_believes_its_peer_is_read_without_a_token(
    cluster: SlurmCluster, secrets: Secrets
) -> None:
    cluster.stop_rest()
    cluster.start_rest(auth="rest_auth/local")
    try:
        options = SlurmRestOptions(f"unix:{cluster.rest_socket}")
        async with asking(options, secrets) as scheduler:
            assert set((await scheduler.read()).nodes) == {"n1"}
    finally:
        cluster.stop_rest()
        cluster.start_rest()


async def test_a_unix_socket_that_is_not_there_is_unreachable(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    options = replace(with_key(cluster, tmp_path), url=f"unix:{tmp_path}/no.sock")
    assert (await failure_of(options, secrets)).reason is Reason.UNREACHABLE


async def test_a_unix_socket_without_a_listener_is_connection_refused(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
    options = replace(with_key(cluster, tmp_path), url=f"unix:{tmp_path}/left.sock")
    assert (await failure_of(options, secrets)).reason is Reason.CONNECTION_REFUSED


async def test_a_token_with_more_claims_lets_in(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    claims = (("aud", "slurm"), ("iss", "rackwatt"), ("sun", "no-such-user"))
    options = replace(with_key(cluster, tmp_path), claims=claims)
    async with asking(options, secrets) as scheduler:
        assert set((await scheduler.read()).nodes) == {"n1"}


async def test_a_version_that_the_document_names_is_read(
    cluster: SlurmCluster, secrets: Secrets, tmp_path: Path
) -> None:
    for version in ("v0.0.37", "v0.0.38"):
        options = replace(with_key(cluster, tmp_path), version=version)
        async with asking(options, secrets) as scheduler:
            assert set((await scheduler.read()).nodes) == {"n1"}
    options = replace(with_key(cluster, tmp_path), version="v0.0.40")
    error = await failure_of(options, secrets)
    assert error.reason is Reason.BAD_REPLY
    assert "slurmrestd offers v0.0.38, v0.0.37, not `version` v0.0.40: " in str(error)
