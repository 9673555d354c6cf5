"""Messages of SNMP: opened where they answer a request, and nothing else, whatever the bytes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.keys import User, master_key
from rackwatt_exporter.protocols.snmp.message import V2C, CommunityMessages, UserMessages
from rackwatt_exporter.protocols.snmp.pdu import GET, REPORT, RESPONSE, SnmpResponse
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.snmp.agent import SimulatedAgent
from rackwatt_exporter.simulator.snmp.tree import Tree

OID = "1.3.6.1.4.1.99999.1"
MACHINE = SimulatedMachine("n1", "127.0.0.1")
AUTH = master_key("SHA-256", MACHINE.login.auth_password.encode())
PRIV = master_key("SHA-256", MACHINE.login.priv_password.encode())
NAME = MACHINE.login.username.encode()
LEVELS = {
    "authNoPriv": User(NAME, auth_master=AUTH),
    "authPriv": User(NAME, auth_master=AUTH, privacy_master=PRIV),
}


def agent(watts: int = 344) -> SimulatedAgent:
    oid = tuple(map(int, OID.split(".")))
    return SimulatedAgent(MACHINE, Tree({oid: lambda: ber.integer(watts)}))


def community() -> CommunityMessages:
    return CommunityMessages(V2C, MACHINE.login.community.encode())


def known(user: User, by: SimulatedAgent) -> UserMessages:
    messages = UserMessages(user)
    report = messages.decode(1, by.answer(messages.discovery(1)) or b"")
    assert report is not None
    assert report.kind == REPORT
    return messages


def request_to(
    messages: CommunityMessages | UserMessages, by: SimulatedAgent, number: int
) -> bytes:
    answer = by.answer(messages.encode(number, GET, [OID], 0))
    assert answer is not None
    return answer


@pytest.mark.parametrize("level", LEVELS)
def test_a_users_request_is_answered_and_the_answer_opened(level: str) -> None:
    by = agent()
    messages = known(LEVELS[level], by)
    for number in (0, 1, 127, 128, 2**31 - 1):
        answer = messages.decode(number, request_to(messages, by, number))
        assert answer == SnmpResponse(RESPONSE, 0, 0, [(OID, 344)])


@pytest.mark.parametrize("level", LEVELS)
def test_the_answer_to_another_request_opens_as_nothing(level: str) -> None:
    by = agent()
    messages = known(LEVELS[level], by)
    assert messages.decode(8, request_to(messages, by, 7)) is None
    assert community().decode(8, request_to(community(), by, 7)) is None


def test_an_answer_below_the_level_of_the_request_opens_as_nothing() -> None:
    by = agent()
    private, signed = known(LEVELS["authPriv"], by), known(LEVELS["authNoPriv"], by)
    assert private.decode(7, request_to(signed, by, 7)) is None
    anonymous = UserMessages(User(NAME))
    anonymous.decode(1, by.answer(anonymous.discovery(1)) or b"")
    assert signed.decode(7, anonymous.encode(7, RESPONSE, [OID], 0)) is None


@given(st.data())
def test_a_signed_answer_with_any_byte_changed_never_shows_another_value(
    data: st.DataObject,
) -> None:
    by = agent()
    level = data.draw(st.sampled_from(sorted(LEVELS)))
    messages = known(LEVELS[level], by)
    packet = bytearray(request_to(messages, by, 7))
    at = data.draw(st.integers(0, len(packet) - 1))
    packet[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ValueError):
        answer = messages.decode(7, bytes(packet))
        assert answer is None or answer.kind == REPORT or answer.objects == [(OID, 344)]


@given(st.binary(max_size=200))
def test_any_bytes_open_as_nothing_or_an_error(packet: bytes) -> None:
    for messages in (community(), known(LEVELS["authPriv"], agent())):
        with contextlib.suppress(ValueError):
            assert messages.decode(7, packet) is None


@given(st.binary(max_size=60))
def test_any_bytes_in_place_of_a_community_answers_objects_are_objects_or_an_error(
    objects: bytes,
) -> None:
    head = ber.integer(7) + ber.integer(0) + ber.integer(0)
    pdu = ber.encoded(RESPONSE, head + ber.encoded(ber.SEQUENCE, objects))
    packet = ber.sequence(ber.integer(V2C), ber.octets(b"public"), pdu)
    with contextlib.suppress(ValueError):
        answer = community().decode(7, packet)
        assert answer is not None
        assert sum(
            len(ber.oid(tuple(map(int, oid.split("."))))) for oid, _ in answer.objects
        ) <= len(objects)
