"""IPMI through a relay that loses, cuts, doubles and reorders packets; ipmi_sim is behind it."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.protocols.ipmi.rmcpplus import (
    OPEN_SESSION_REQUEST,
    OPEN_SESSION_RESPONSE,
    RAKP1,
    RAKP2,
    RAKP3,
    RAKP4,
    SEALED_IPMI,
)
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.base import Source
from tests.eventually import PATIENCE_S, eventually
from tests.exporter.targets.ipmi.driven import Driven, driven
from tests.peers.ipmi_sim import Bmc, SimSensor, ipmi_sim
from tests.peers.udp_relay import Fate, UdpRelay, udp_relay

LOOPS = ("attended",)

SENSORS = [SimSensor(f"Fan {i}", unit=18) for i in range(40)] + [SimSensor("PIN", 43, m=8)]
# Quick to ask again, and slow to give up: how long the BMC itself takes is not ours to say.
QUICK = {"timeout_s": PATIENCE_S, "retries": 399}


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[Bmc]:
    # For each test a BMC of its own: log-ins cut short fill up its 63 sessions.
    with ipmi_sim(tmp_path / "ipmi_sim", [SENSORS]) as sim:
        yield sim.bmcs[0]
        assert sim.alive()


@pytest.fixture
async def relay(bmc: Bmc) -> AsyncIterator[UdpRelay]:
    async with udp_relay((bmc.address, bmc.port)) as relay:
        yield relay


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Driven]:
    async with driven(tmp_path) as made:
        yield made


def end(relay: UdpRelay) -> SimpleNamespace:
    return SimpleNamespace(address=relay.address[0], port=relay.address[1])


def kind(packet: bytes) -> int:
    return packet[5]


def of_kind(packets: list[bytes], payload_type: int) -> list[bytes]:
    return [packet for packet in packets if kind(packet) == payload_type]


class First:
    """Does harm to the first packet of a kind, and to no other."""

    def __init__(self, payload_type: int, harm: Fate = lambda packet: []) -> None:
        self._type = payload_type
        self._harm = harm
        self.done = False

    def __call__(self, packet: bytes) -> Iterable[bytes]:
        if kind(packet) != self._type or self.done:
            return [packet]
        self.done = True
        return self._harm(packet)


async def reason_of(source: Source) -> tuple[Reason, str]:
    with pytest.raises(ReadError) as caught:
        await source.read()
    return caught.value.reason, str(caught.value)


async def test_ipv6_is_spoken(bmc: Bmc, made: Driven) -> None:
    async with udp_relay((bmc.address, bmc.port), "::1") as relay:
        source = made.source(end(relay))
        assert (await source.read()).watts == 300
        await source.close()


async def test_a_name_is_resolved(bmc: Bmc, made: Driven) -> None:
    address = socket.getaddrinfo("localhost", 0, type=socket.SOCK_DGRAM)[0][4][0]
    async with udp_relay((bmc.address, bmc.port), str(address)) as relay:
        source = made.source(SimpleNamespace(address="localhost", port=relay.address[1]))
        assert (await source.read()).watts == 300
        await source.close()


async def test_a_refused_suite_is_remembered(relay: UdpRelay, made: Driven) -> None:
    source = made.source(end(relay))
    assert (await source.read()).watts == 300
    assert len(of_kind(relay.requests, OPEN_SESSION_REQUEST)) == 2
    await source.close()
    assert (await source.read()).watts == 300
    assert len(of_kind(relay.requests, OPEN_SESSION_REQUEST)) == 3


@pytest.mark.parametrize("retries", [0, 1, 2])
async def test_a_bmc_that_drops_suite_17_in_silence_is_read_at_suite_3(
    relay: UdpRelay, made: Driven, retries: int
) -> None:
    def drop_17(packet: bytes) -> list[bytes]:
        asks_17 = kind(packet) == OPEN_SESSION_REQUEST and packet[16 + 8 + 4] == 3
        return [] if asks_17 else [packet]

    relay.request_fate = drop_17
    source = made.source(end(relay), timing={"timeout_s": 2.0, "retries": retries})
    async with asyncio.timeout(2.0):
        assert (await source.read()).watts == 300
    await source.close()
    relay.requests.clear()
    assert (await source.read()).watts == 300
    assert len(of_kind(relay.requests, OPEN_SESSION_REQUEST)) == 1


@pytest.mark.parametrize("lost", [OPEN_SESSION_RESPONSE, RAKP2, RAKP4])
async def test_a_lost_answer_of_the_log_in_starts_a_fresh_one(
    relay: UdpRelay, made: Driven, lost: int
) -> None:
    relay.reply_fate = First(lost)
    source = made.source(end(relay), cipher_suite=3, timing=QUICK)
    assert (await source.read()).watts == 300
    opened = of_kind(relay.requests, OPEN_SESSION_REQUEST)
    assert len(opened) >= 2
    assert len({packet[20:24] for packet in opened}) == len(opened)  # our session ids
    for payload_type in (RAKP1, RAKP3):
        theirs = [packet[20:24] for packet in of_kind(relay.requests, payload_type)]
        assert len(theirs) == len(set(theirs))  # never twice to one session


@pytest.mark.parametrize("lost", [RAKP1, RAKP3, SEALED_IPMI])
async def test_a_lost_request_is_made_good(relay: UdpRelay, made: Driven, lost: int) -> None:
    relay.request_fate = First(lost)
    source = made.source(end(relay), cipher_suite=3, timing=QUICK)
    assert (await source.read()).watts == 300


async def test_a_lost_answer_in_a_session_needs_no_log_in(relay: UdpRelay, made: Driven) -> None:
    source = made.source(end(relay), timing=QUICK)
    await source.read()
    relay.requests.clear()
    relay.reply_fate = First(SEALED_IPMI)
    assert (await source.read()).watts == 300
    assert len(relay.requests) >= 2
    assert {kind(packet) for packet in relay.requests} == {SEALED_IPMI}


async def test_a_close_that_was_lost_is_sent_again(relay: UdpRelay, made: Driven) -> None:
    source = made.source(end(relay))
    await source.read()
    relay.requests.clear()
    relay.replies.clear()
    relay.request_fate = First(SEALED_IPMI)
    await source.close()
    assert [kind(packet) for packet in relay.requests] == [SEALED_IPMI, SEALED_IPMI]
    await eventually(lambda: relay.replies)  # the BMC has closed it


async def test_a_warm_reading_of_watts_that_rise_is_one_packet(
    bmc: Bmc, relay: UdpRelay, made: Driven
) -> None:
    source = made.source(end(relay))
    await source.read()
    relay.requests.clear()
    for watts in range(301, 306):
        bmc.set_power(watts)
        assert (await source.read()).watts == watts
    assert len(relay.requests) == 5


async def test_a_warm_reading_of_watts_that_repeat_is_two_packets(
    relay: UdpRelay, made: Driven
) -> None:
    """The second is Get Chassis Status: a BMC may repeat the watts of a machine that is off."""
    source = made.source(end(relay))
    await source.read()
    relay.requests.clear()
    for _ in range(5):
        await source.read()
    assert len(relay.requests) == 10


@pytest.mark.parametrize("cut", [1, 8, 12, 20])
async def test_truncated_packets_are_no_reading(relay: UdpRelay, made: Driven, cut: int) -> None:
    for payload_type in (OPEN_SESSION_RESPONSE, RAKP2, RAKP4, SEALED_IPMI):
        relay.reply_fate = First(payload_type, lambda packet: [packet[:-cut]])
        source = made.source(end(relay), cipher_suite=3, timing=QUICK)
        assert (await source.read()).watts == 300
        await source.close()


async def test_packets_that_come_twice_and_late_change_nothing(
    bmc: Bmc, relay: UdpRelay, made: Driven
) -> None:
    relay.reply_fate = lambda packet: [*relay.replies[-4:], packet]
    relay.request_fate = lambda packet: [*relay.requests[-3:], packet]
    source = made.source(end(relay), cipher_suite=3)
    for watts in range(100, 160):
        bmc.set_power(watts)
        assert (await source.read()).watts == watts


async def test_a_log_in_that_a_doubled_packet_put_out_of_step_is_restarted(
    relay: UdpRelay, made: Driven
) -> None:
    out_of_step = First(
        RAKP4, lambda packet: [rmcpplus.encode_plain(RAKP4, packet[16:17] + b"\x0f")]
    )
    relay.reply_fate = out_of_step
    source = made.source(end(relay))
    assert (await source.read()).watts == 300
    assert out_of_step.done


async def test_reordered_answers_never_give_a_number_of_the_past(
    bmc: Bmc, relay: UdpRelay, made: Driven
) -> None:
    source = made.source(end(relay), timing=QUICK)
    await source.read()
    held: list[bytes] = []

    def hold(packet: bytes) -> list[bytes]:
        held.append(packet)
        return [] if len(held) % 2 else [packet, held[-2]]  # the later one first

    relay.reply_fate = hold
    for watts in (200, 201, 202):
        bmc.set_power(watts)
        assert (await source.read()).watts == watts


async def test_noise_is_either_ignored_or_an_error(relay: UdpRelay, made: Driven) -> None:
    noise = random.Random(7)

    def spoil(packet: bytes) -> list[bytes]:
        spoilt = bytearray(packet)
        for _ in range(3):
            spoilt[noise.randrange(len(spoilt))] = noise.randrange(256)
        return [bytes(spoilt) if noise.random() < 0.5 else packet, noise.randbytes(40)]

    source = made.source(end(relay), cipher_suite=3, timing={"timeout_s": 0.4})
    relay.reply_fate = spoil
    read = 0
    for _ in range(20):
        try:
            async with asyncio.timeout(0.4):
                assert (await source.read()).watts == 300
            read += 1
        except (ReadError, TimeoutError):
            pass
    assert read
    relay.reply_fate = lambda packet: [packet]
    assert (await source.read()).watts == 300


@pytest.mark.parametrize(
    ("payload_type", "status", "reason"),
    [
        (OPEN_SESSION_RESPONSE, 0x01, Reason.SESSION_LIMIT),
        (OPEN_SESSION_RESPONSE, 0x09, Reason.PRIVILEGE_INSUFFICIENT),
        (OPEN_SESSION_RESPONSE, 0x11, Reason.CIPHER_UNSUPPORTED),
        (OPEN_SESSION_RESPONSE, 0x12, Reason.CIPHER_UNSUPPORTED),
        (RAKP2, 0x0A, Reason.PRIVILEGE_INSUFFICIENT),
        (RAKP2, 0x0B, Reason.SESSION_LIMIT),
        (RAKP2, 0x0D, Reason.AUTH_FAILED),
        (RAKP2, 0x02, Reason.TIMEOUT),
        (RAKP4, 0x0D, Reason.AUTH_FAILED),
        (RAKP4, 0x0F, Reason.TIMEOUT),
        (RAKP4, 0x77, Reason.BAD_REPLY),
    ],
)
async def test_every_refusal_has_its_reason(
    relay: UdpRelay, made: Driven, payload_type: int, status: int, reason: Reason
) -> None:
    def refuse(packet: bytes) -> list[bytes]:
        if kind(packet) != payload_type:
            return [packet]
        return [rmcpplus.encode_plain(payload_type, bytes((packet[16], status)))]

    relay.reply_fate = refuse
    source = made.source(end(relay))
    assert (await reason_of(source))[0] is reason
    relay.reply_fate = lambda packet: [packet]
    assert (await source.read()).watts == 300


async def test_a_long_search_for_a_sensor_goes_on_at_the_next_reading(
    relay: UdpRelay, made: Driven
) -> None:
    source = made.source(end(relay), cipher_suite=3, dcmi=False, sensors=("PIN",))
    cut_short = 0
    while (reading := await read_for(30, source, relay)) is None:
        cut_short += 1
        assert cut_short < 20
    assert cut_short
    assert reading.watts == 344
    assert len(of_kind(relay.requests, OPEN_SESSION_REQUEST)) == 1


async def read_for(packets: int, source: Any, relay: UdpRelay) -> Any:
    """Read, but for no more than so many answers: the reading is cancelled at the last of them."""
    reading = asyncio.create_task(source.read())
    left = iter(range(packets))

    def pass_some(packet: bytes) -> list[bytes]:
        if next(left, None) is None:
            reading.cancel()
        return [packet]

    relay.reply_fate = pass_some
    with suppress(asyncio.CancelledError):
        return await reading


async def test_a_reservation_taken_by_another_does_not_end_the_search(
    bmc: Bmc, relay: UdpRelay, made: Driven
) -> None:
    other = made.source(bmc, cipher_suite=3, dcmi=False, sensors=("PIN",))
    source = made.source(end(relay), cipher_suite=3, dcmi=False, sensors=("PIN",))
    relay.delay_s = 0.001
    search = asyncio.create_task(source.read())
    await eventually(lambda: len(relay.replies) >= 40)
    assert not search.done()
    assert (await other.read()).watts == 344
    assert (await search).watts == 344


def so_many_more(relay: UdpRelay, count: int) -> Fate:
    seen = len(relay.requests)
    return lambda packet: [packet] if len(relay.requests) <= seen + count else []


async def test_a_cancelled_reading_leaves_a_source_that_goes_on(
    bmc: Bmc, relay: UdpRelay, made: Driven
) -> None:
    source = made.source(end(relay), cipher_suite=3)
    for packets in range(8):
        relay.request_fate = so_many_more(relay, packets)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                while True:
                    await source.read()
        relay.request_fate = lambda packet: [packet]
        bmc.set_power(400 + packets)
        assert (await source.read()).watts == 400 + packets


async def test_a_rarely_read_session_is_kept_alive(
    relay: UdpRelay, made: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rackwatt_exporter.targets.ipmi.source._TICK_S", 0.01)
    monkeypatch.setattr("rackwatt_exporter.targets.ipmi.source.KEEP_ALIVE_S", 0.05)
    rare = made.source(end(relay), timing={"interval_s": 60.0})
    await rare.read()
    relay.requests.clear()
    await eventually(lambda: len(relay.replies) >= 12)
    assert {kind(packet) for packet in relay.requests} == {SEALED_IPMI}
    assert (await rare.read()).watts == 300


async def test_a_bmc_that_restarts_under_a_kept_session_is_read_in_the_same_breath(
    tmp_path: Path,
) -> None:
    breath = {"timeout_s": 3.0, "retries": 1}
    with ipmi_sim(tmp_path / "sim", [SENSORS]) as sim:
        async with driven(tmp_path) as made:
            dcmi = made.source(sim.bmcs[0], timing=breath)
            sensors = made.source(sim.bmcs[0], timing=breath, dcmi=False, sensors=("PIN",))
            assert (await dcmi.read()).watts == 300
            assert (await sensors.read()).watts == 344
            sim.stop()
            assert (await reason_of(dcmi))[0] is Reason.CONNECTION_REFUSED
            sim.start()
            sim.bmcs[0].set_power(301)
            assert (await dcmi.read()).watts == 301
            async with asyncio.timeout(3.0):
                assert (await sensors.read()).watts == 344
            sim.stop()
            sim.start()
            sim.bmcs[0].set_power(302)
            async with asyncio.timeout(3.0):
                assert (await dcmi.read()).watts == 302
