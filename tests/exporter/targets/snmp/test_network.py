"""SNMP over a network as networks are: agents that go, come and change, packets that suffer."""

import asyncio
import gc
import os
import random
from pathlib import Path

import pytest

from rackwatt_crds.bmc.snmp import Row
from rackwatt_exporter import ber
from rackwatt_exporter.config.options import OidOptions
from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S
from tests.exporter.targets.snmp.agents import (
    DECIMAL_TEXT,
    DIGITS,
    OBJECTS,
    PROBES,
    TENS,
    TEXT,
    WATTS,
    Sources,
    at,
    reason_of,
)
from tests.peers.ports import free_port
from tests.peers.snmpd import (
    Snmpd,
    SnmpUser,
    snmpd,
)
from tests.peers.udp_relay import udp_relay

# The loop that the exporter runs on.
LOOPS = ("attended",)


async def test_an_agent_that_rebooted_is_read_at_once(own_agent: Snmpd, source: Sources) -> None:
    reader = source(at(own_agent), WATTS, version="3")
    await reader.read()
    own_agent.restart()
    assert (await reader.read()).watts == 351


@pytest.mark.parametrize("level", ["noAuthNoPriv", "authPriv"])
async def test_an_agent_that_was_replaced_is_read_at_once(
    tmp_path: Path, source: Sources, level: str
) -> None:
    users = (SnmpUser("monitor", level),)
    with snmpd(tmp_path / "replaced", OBJECTS, users) as daemon:
        timing = {"timeout_s": 6.0, "retries": 7}  # two silences, and six tries more
        reader = source(at(daemon), WATTS, version="3", level=level, **timing)
        await reader.read()
        daemon.replace("another")
        assert (await reader.read()).watts == 351


async def test_a_warm_reading_is_one_request(own_agent: Snmpd, source: Sources) -> None:
    async with udp_relay(at(own_agent)) as relay:
        reader = source(relay.address, WATTS, TENS, version="3")
        await reader.read()
        relay.requests.clear()
        await reader.read()
        assert len(relay.requests) == 1


@pytest.mark.parametrize("version", ["2c", "3"])
async def test_lost_packets_are_sent_again(own_agent: Snmpd, source: Sources, version: str) -> None:
    async with udp_relay(at(own_agent)) as relay:
        relay.request_fate = lambda packet: [packet] if len(relay.requests) > 2 else []
        reader = source(relay.address, WATTS, version=version, retries=399)
        assert (await reader.read()).watts == 351


async def test_lost_packets_are_never_wrong_credentials(own_agent: Snmpd, source: Sources) -> None:
    chance = random.Random(4)

    def lossy(packet: bytes) -> list[bytes]:
        return [] if chance.random() < 0.4 else [packet]

    message = set()
    async with udp_relay(at(own_agent)) as relay:
        relay.request_fate = relay.reply_fate = lossy
        reader = source(relay.address, WATTS, version="3", timeout_s=0.25, retries=0)
        for _ in range(25):
            try:
                assert (await reader.read()).watts == 351
            except ReadError as error:
                message.add(error.reason)
            await reader.close()  # each is a first contact
    assert message == {Reason.TIMEOUT}


@pytest.mark.parametrize("level", ["noAuthNoPriv", "authNoPriv", "authPriv"])
async def test_reports_that_come_twice_are_never_wrong_credentials(
    tmp_path: Path, source: Sources, level: str
) -> None:
    with snmpd(tmp_path / "twice", OBJECTS, (SnmpUser("monitor", level),)) as daemon:
        async with udp_relay(at(daemon)) as relay:
            relay.request_fate = relay.reply_fate = lambda packet: [packet, packet]
            reader = source(relay.address, WATTS, version="3", level=level)
            for _ in range(3):
                assert (await reader.read()).watts == 351


async def test_packets_that_come_twice_and_late_change_nothing(
    own_agent: Snmpd, source: Sources
) -> None:
    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = lambda packet: [*relay.replies[-3:], packet]
        reader = source(relay.address, WATTS)
        for watts in (100, 200, 300):
            own_agent.set(WATTS, "i", watts)
            assert (await reader.read()).watts == watts


async def test_a_truncated_response_is_requested_again(own_agent: Snmpd, source: Sources) -> None:
    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = lambda packet: [packet if len(relay.replies) > 1 else packet[:-3]]
        assert (await source(relay.address, WATTS).read()).watts == 351
        relay.reply_fate = lambda packet: [packet[:-3]]
        reader = source(relay.address, WATTS)
        assert (await reason_of(reader))[0] is Reason.BAD_REPLY
        relay.reply_fate = lambda packet: [packet]
        assert (await reader.read()).watts == 351


async def test_an_agent_that_answers_few_objects_at_once_is_sent_small_requests(
    own_agent: Snmpd, source: Sources
) -> None:
    def too_big(packet: bytes) -> list[bytes]:
        """Answer as RFC 3416, 4.2.1, has it, when a request asks for more than two objects."""
        version, community, pdu = ber.element(packet).children()
        number, _, _, found = pdu.children()
        if len(found.children()) <= 2:
            return [packet]
        head = map(ber.integer, (number.integer, 1, 0))
        answer = ber.sequence(*head, ber.sequence(), tag=pdu.tag)
        start = ber.integer(version.integer), ber.octets(community.octets)
        return [ber.sequence(*start, answer)]

    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = too_big
        oids = (WATTS, DECIMAL_TEXT, TENS, DIGITS, f"{PROBES}.6.1.3")
        reader = source(relay.address, *oids)
        assert (await reader.read()).watts == 351 + 351.5 + 42 + 2 + 344
        relay.requests.clear()
        await reader.read()
        assert len(relay.requests) == 3


async def test_where_nothing_listens_is_refused_at_once(source: Sources) -> None:
    async with asyncio.timeout(PATIENCE_S):
        reason, _ = await reason_of(source(("127.0.0.1", free_port()), WATTS, timeout_s=3600))
    assert reason is Reason.CONNECTION_REFUSED


async def test_an_agent_that_comes_back_is_read_again(own_agent: Snmpd, source: Sources) -> None:
    reader = source(at(own_agent), WATTS)
    await reader.read()
    own_agent.stop()
    assert (await reason_of(reader))[0] is Reason.CONNECTION_REFUSED
    own_agent.start()
    assert (await reader.read()).watts == 351


async def test_a_name_that_does_not_resolve_is_an_error(source: Sources) -> None:
    reason, message = await reason_of(source(("pdu1.invalid", 161), WATTS))
    assert (reason, "pdu1.invalid" in message) == (Reason.NAME_UNRESOLVED, True)


async def test_a_cancelled_reading_leaves_a_source_that_goes_on(
    own_agent: Snmpd, source: Sources
) -> None:
    async with udp_relay(at(own_agent)) as relay:
        reader = source(relay.address, WATTS, version="3")
        await reader.read()
        relay.reply_fate = lambda packet: []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read()
        relay.reply_fate = lambda packet: [*relay.replies[-2:]]
        assert (await reader.read()).watts == 351


async def test_a_target_has_one_descriptor_and_gives_it_back(
    own_agent: Snmpd, source: Sources
) -> None:
    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    readers = [source(at(own_agent), WATTS, version="3") for _ in range(5)]
    for reader in readers * 2:
        await reader.read()
    assert descriptors() == before + 5
    for reader in readers:
        await reader.close()
    assert descriptors() == before


async def test_no_answer_however_spoilt_is_a_number_or_a_crash(
    own_agent: Snmpd, source: Sources
) -> None:
    dice = random.Random(161)

    def spoilt(packet: bytes) -> list[bytes]:
        changed = bytearray(packet)
        # What is before is the request's: a response to another request is dropped.
        for _ in range(dice.randint(1, 3)):
            changed[dice.randrange(20, len(changed))] = dice.randrange(256)
        return [bytes(changed[: dice.choice((len(changed), dice.randint(1, len(changed))))])]

    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = spoilt
        reader = source(relay.address, WATTS, TEXT, timeout_s=0.03)
        for _ in range(400):
            with pytest.raises(ReadError):
                await reader.read()
        relay.reply_fate = lambda packet: [packet]
        assert (await source(relay.address, WATTS).read()).watts == 351


async def test_an_answer_that_breaks_the_library_is_a_bad_reply(
    own_agent: Snmpd, source: Sources
) -> None:
    def emptied(packet: bytes) -> list[bytes]:
        version, community, pdu = ber.element(packet).children()
        number, *_ = pdu.children()
        head = map(ber.integer, (number.integer, 0, 0))
        broken = ber.sequence(*head, ber.sequence(ber.sequence()), tag=pdu.tag)
        start = ber.integer(version.integer), ber.octets(community.octets)
        return [ber.sequence(*start, broken)]

    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = emptied
        reader = source(relay.address, WATTS)
        assert (await reason_of(reader))[0] is Reason.BAD_REPLY
        relay.reply_fate = lambda packet: [packet]
        assert (await reader.read()).watts == 351


async def test_a_table_without_end_is_a_bad_reply(own_agent: Snmpd, source: Sources) -> None:
    async with udp_relay(at(own_agent)) as relay:
        seen: list[bytes] = []

        def again(packet: bytes) -> list[bytes]:
            version, community, pdu = ber.element(packet).children()
            number, _, _, found = pdu.children()
            seen.append(found.content)
            # The first rows of the table, whatever the request.
            rows = ber.encoded(ber.SEQUENCE, seen[min(1, len(seen) - 1)])
            head = map(ber.integer, (number.integer, 0, 0))
            start = ber.integer(version.integer), ber.octets(community.octets)
            return [ber.sequence(*start, ber.sequence(*head, rows, tag=pdu.tag))]

        relay.reply_fate = again
        term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.8", equals="Mainboard"))
        reason, message = await reason_of(source(relay.address, term, version="1"))
        assert (reason, "no end" in message) == (Reason.BAD_REPLY, True)
