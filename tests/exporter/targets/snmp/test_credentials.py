"""Credentials that a real snmpd accepts, and the errors of those that it refuses."""

import asyncio
import random
from pathlib import Path

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S
from tests.exporter.targets.snmp.agents import USERS, WATTS, Sources, at, reason_of
from tests.peers.snmpd import (
    AUTH_PASSWORD,
    COMMUNITY,
    Snmpd,
    SnmpUser,
)
from tests.peers.udp_relay import udp_relay

# The loop that the exporter runs on.
LOOPS = ("attended",)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_every_level_and_algorithm_reads_the_watts(
    agent: Snmpd, source: Sources, secret: Path, user: SnmpUser
) -> None:
    (secret / "username").write_text(user.name)
    said = {"version": "3", "level": user.level, "auth": user.auth, "privacy": user.privacy}
    reading = await source(at(agent), WATTS, **said).read()
    assert reading.watts == float(agent.get(WATTS, user.options()))


async def test_a_wrong_community_is_silence(agent: Snmpd, source: Sources, secret: Path) -> None:
    (secret / "community").write_text("wrong")
    reason, message = await reason_of(source(at(agent), WATTS, timeout_s=0.3))
    assert (reason, "community" in message) == (Reason.TIMEOUT, True)


@pytest.mark.parametrize("file", ["username", "authPassword"])
async def test_a_wrong_user_or_password_is_auth_failed(
    own_agent: Snmpd, source: Sources, secret: Path, file: str
) -> None:
    (secret / file).write_text("something-else")
    reason, message = await reason_of(source(at(own_agent), WATTS, version="3"))
    assert reason is Reason.AUTH_FAILED
    assert "something-else" not in message


@pytest.mark.parametrize("name", ["SHAandDES", "SHAandAES", "SHA-256andAES-256"])
async def test_a_wrong_privacy_password_is_auth_failed_once_it_can_be_nothing_else(
    agent: Snmpd, source: Sources, secret: Path, name: str
) -> None:
    (secret / "username").write_text(name)
    (secret / "privPassword").write_text("something-else")
    auth, privacy = name.split("and")
    said = {"version": "3", "auth": auth, "privacy": privacy}
    reader = source(at(agent), WATTS, timeout_s=0.6, retries=1, **said)
    reason, message = await reason_of(reader)
    assert reason is Reason.TIMEOUT
    async with asyncio.timeout(PATIENCE_S):
        while reason is Reason.TIMEOUT:
            reason, message = await reason_of(reader)
    assert reason is Reason.AUTH_FAILED
    assert "privPassword" in message


async def test_a_level_below_what_the_user_needs_is_refused(
    own_agent: Snmpd, source: Sources
) -> None:
    reason, _ = await reason_of(source(at(own_agent), WATTS, version="3", level="authNoPriv"))
    assert reason in (Reason.PRIVILEGE_INSUFFICIENT, Reason.AUTH_FAILED)


@pytest.mark.parametrize(
    ("file", "content"), [("authPassword", b"short"), ("privPassword", b""), ("username", b"\xff")]
)
async def test_an_unusable_secret_is_an_error(
    agent: Snmpd, source: Sources, secret: Path, file: str, content: bytes
) -> None:
    (secret / file).write_bytes(content)
    reason, message = await reason_of(source(at(agent), WATTS, version="3"))
    assert (reason, file in message) == (Reason.CREDENTIALS_MISSING, True)


async def test_a_missing_secret_file_is_an_error(
    agent: Snmpd, source: Sources, secret: Path
) -> None:
    (secret / "community").unlink()
    reason, message = await reason_of(source(at(agent), WATTS))
    assert (reason, "community" in message) == (Reason.CREDENTIALS_MISSING, True)


async def test_a_rotated_secret_counts_as_soon_as_the_old_one_is_refused(
    own_agent: Snmpd, source: Sources, secret: Path
) -> None:
    reader = source(at(own_agent), WATTS, version="3")
    await reader.read()
    own_agent.users = (SnmpUser("rotated"),)
    own_agent.replace(own_agent.engine_id)
    assert (await reason_of(reader))[0] is Reason.AUTH_FAILED
    (secret / "username").write_text("rotated")
    assert (await reader.read()).watts == 351


async def test_a_rotated_community_counts_after_two_silences(
    own_agent: Snmpd, source: Sources, secret: Path
) -> None:
    (secret / "community").write_text("old")
    reader = source(at(own_agent), WATTS, timeout_s=0.6)
    assert (await reason_of(reader))[0] is Reason.TIMEOUT
    (secret / "community").write_text(COMMUNITY)
    assert (await reader.read()).watts == 351


async def test_a_late_refusal_has_no_effect(
    own_agent: Snmpd, source: Sources, secret: Path
) -> None:
    async with udp_relay(at(own_agent)) as relay:
        (secret / "authPassword").write_text("something-else")
        reader = source(relay.address, WATTS, version="3")
        assert (await reason_of(reader))[0] is Reason.AUTH_FAILED
        refusals = relay.replies[-1:]
        (secret / "authPassword").write_text(AUTH_PASSWORD)
        relay.reply_fate = lambda packet: [*refusals, packet, *refusals]
        for _ in range(3):
            assert (await reader.read()).watts == 351


async def test_losses_of_any_packet_are_never_a_refusal(own_agent: Snmpd, source: Sources) -> None:
    chance = random.Random(9)
    async with udp_relay(at(own_agent)) as relay:
        relay.request_fate = relay.reply_fate = lambda packet: (
            [] if chance.random() < 0.3 else [packet] * chance.randint(1, 3)
        )
        reader = source(relay.address, WATTS, version="3", timeout_s=0.3, retries=2)
        for turn in range(40):
            try:
                assert (await reader.read()).watts == 351
            except ReadError as error:
                assert error.reason is Reason.TIMEOUT
            if turn % 9 == 8:
                own_agent.restart()
