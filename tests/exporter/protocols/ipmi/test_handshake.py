"""Logging in, packet by packet, to the simulated BMC; real ones are in the tests of targets."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi.crypto import SUITES
from rackwatt_exporter.protocols.ipmi.handshake import (
    KG_LIMIT,
    IpmiAccount,
    RakpHandshake,
    parse_kg,
)
from rackwatt_exporter.protocols.ipmi.rmcpplus import RAKP4, encode_plain
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.simulator.ipmi.bmc import SimulatedBmc
from rackwatt_exporter.simulator.machine import SimulatedLogin as Wanted
from rackwatt_exporter.simulator.machine import SimulatedMachine
from tests.exporter.protocols.ipmi.wire import BMC, Wire
from tests.virtual_time import run

KEYS = st.binary(min_size=1, max_size=KG_LIMIT).filter(lambda key: key[-1])
SUITE = st.sampled_from([3, 17])


def logged_in(
    bmc_kg: bytes,
    our_kg: bytes,
    suite: int,
    fate: Callable[[bytes], bytes] = lambda packet: packet,
) -> bytes:
    """Log in with both keys, and give what the BMC answers to Get Device ID."""
    bmc = SimulatedBmc(SimulatedMachine("n1", BMC[0], login=Wanted(kg=bmc_kg)))

    def answers(packet: bytes) -> Iterator[bytes]:
        if (answer := bmc.answer(packet)) is not None:
            yield fate(answer)

    async def story() -> bytes:
        account = IpmiAccount(b"monitor", b"simulated", kg=our_kg)
        session: IpmiSession = await RakpHandshake(Wire(answers), BMC, SUITES[suite], 1.0).open(
            account
        )
        return await session.command("Get Device ID", (0x06, 0x01))

    return run(story())


@given(KEYS, SUITE)
def test_a_session_speaks_where_both_ends_have_the_same_key(key: bytes, suite: int) -> None:
    assert len(logged_in(key, key, suite)) == 15


@given(st.just(b"") | KEYS, st.just(b"") | KEYS, SUITE)
def test_no_session_is_opened_with_another_key(theirs: bytes, ours: bytes, suite: int) -> None:
    if theirs == ours:
        return
    with pytest.raises(ReadError, match="K_g") as caught:
        logged_in(theirs, ours, suite)
    assert caught.value.reason is Reason.AUTH_FAILED


@pytest.mark.parametrize("left", [0, 1, 11])
def test_a_check_value_that_is_cut_short_is_no_sign_of_a_key(left: int) -> None:
    def cut(packet: bytes) -> bytes:
        return encode_plain(RAKP4, packet[16 : 24 + left]) if packet[5] == RAKP4 else packet

    with pytest.raises(ReadError, match="check value of") as caught:
        logged_in(b"", b"", 3, cut)
    assert caught.value.reason is Reason.BAD_REPLY


@given(KEYS)
def test_a_key_is_the_same_as_text_and_as_hex(key: bytes) -> None:
    assert parse_kg(b"0x" + key.hex().encode()) == key
    assert parse_kg(b"0X" + key.hex().upper().encode()) == key
    if not key.startswith((b"0x", b"0X")):
        assert parse_kg(key) == key


@given(st.binary(min_size=6, max_size=60) | st.binary(min_size=5, max_size=50).map(b"0x".__add__))
def test_a_key_shows_in_no_message(text: bytes) -> None:
    """Whatever is wrong with it, whichever way it is kept."""
    try:
        account = IpmiAccount(b"monitor", b"simulated", kg=parse_kg(text))
        shown = repr(account)
        with pytest.raises(ReadError) as caught:
            logged_in(b"another key", account.kg, 3)
        shown += f"{caught.value} {caught.value.remedy}"
    except ReadError as error:
        shown = f"{error} {error.remedy}"
    for form in (text, text[2:], text.hex().encode()):
        assert form not in shown.encode()
        assert repr(form)[2:-1] not in shown


def test_silence_at_the_first_packet_is_named_as_the_specification_does() -> None:
    def answers(_: bytes) -> Iterator[bytes]:
        return iter(())

    async def story() -> None:
        account = IpmiAccount(b"admin", b"secret")
        await RakpHandshake(Wire(answers), BMC, SUITES[17], 0.1).open(account)

    with pytest.raises(ReadError, match="did not answer Open Session Request"):
        run(story())
