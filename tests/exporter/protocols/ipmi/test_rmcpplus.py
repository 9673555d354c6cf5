"""The packets and payloads of RMCP+, and the messages and pings around them."""

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi import rmcp, rmcpplus
from rackwatt_exporter.protocols.ipmi.crypto import SUITES, SessionKeys

ids = st.binary(min_size=4, max_size=4)
byte = st.integers(0, 255)


@given(
    suite=st.sampled_from([3, 17]), text=st.binary(max_size=99), number=st.integers(0, 2**32 - 1)
)
def test_a_sealed_message_is_unsealed(suite: int, text: bytes, number: int) -> None:
    keys = SessionKeys(SUITES[suite], b"session key")
    packet = rmcpplus.parse_packet(rmcpplus.seal(keys, number, 7, text))
    assert packet is not None
    assert (packet.session_id, packet.sequence) == (number, 7)
    assert rmcpplus.unseal(keys, packet) == text


@given(data=st.data(), suite=st.sampled_from([3, 17]))
def test_no_changed_or_cut_packet_is_unsealed(data: st.DataObject, suite: int) -> None:
    keys = SessionKeys(SUITES[suite], b"session key")
    sealed = rmcpplus.seal(keys, 1, 7, b"some message")
    if data.draw(st.booleans()):
        changed = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    else:
        at, flip = data.draw(st.integers(0, len(sealed) - 1)), data.draw(st.integers(1, 255))
        changed = sealed[:at] + bytes((sealed[at] ^ flip,)) + sealed[at + 1 :]
    packet = rmcpplus.parse_packet(changed)
    assert packet is None or rmcpplus.unseal(keys, packet) is None


@given(data=st.binary(max_size=200))
def test_no_garbage_raises(data: bytes) -> None:
    for garbage in (data, rmcp.IPMI_HEADER + data, rmcp.IPMI_HEADER + b"\x06" + data):
        packet = rmcpplus.parse_packet(garbage)
        if packet is not None:
            assert rmcpplus.unseal(SessionKeys(SUITES[3], b"key"), packet) is None
        rmcp.parse_ping(garbage)
        rmcp.unwrap_without_session(garbage)
    for parse in (
        rmcpplus.OpenSessionRequest.parse,
        rmcpplus.RmcpPlusResponse.parse,
        rmcpplus.OpenedSession.parse,
        rmcpplus.Rakp1.parse,
        rmcpplus.Rakp3.parse,
        message.parse_request,
    ):
        parse(data)
    message.parse_reply(data, 0x2C, 2, 1)


@given(tag=byte, level=st.integers(2, 4), ours=ids, suite=st.sampled_from([3, 17]))
def test_an_open_session_request_says_its_suite(
    tag: int, level: int, ours: bytes, suite: int
) -> None:
    ask = rmcpplus.OpenSessionRequest(tag, level, ours, SUITES[suite].algorithms)
    assert rmcpplus.OpenSessionRequest.parse(ask.encode()) == ask
    assert ask.suite is SUITES[suite]


@given(
    tag=byte, theirs=ids, random=st.binary(min_size=16, max_size=16), name=st.binary(max_size=16)
)
def test_rakp_messages_survive_the_wire(
    tag: int, theirs: bytes, random: bytes, name: bytes
) -> None:
    hello = rmcpplus.Rakp1(tag, theirs, random, 0x14, name)
    assert rmcpplus.Rakp1.parse(hello.encode()) == hello
    proof = rmcpplus.Rakp3(tag, 0, theirs, random)
    assert rmcpplus.Rakp3.parse(proof.encode()) == proof


@given(
    netfn=st.sampled_from([0, 4, 6, 10, 0x2C]),
    command=byte,
    sequence=st.integers(0, 63),
    data=st.binary(max_size=40),
    answer=st.binary(min_size=1, max_size=40),
)
def test_a_reply_answers_its_own_request_and_no_other(
    netfn: int, command: int, sequence: int, data: bytes, answer: bytes
) -> None:
    sent = message.encode_request(netfn, command, sequence, data)
    request = message.parse_request(sent)
    assert request is not None
    assert (request.netfn, request.command, request.data) == (netfn, command, data)
    reply = message.encode_reply(request, answer)
    assert message.parse_reply(reply, netfn, command, sequence) == answer
    assert message.parse_reply(reply, netfn, command, (sequence + 1) % 64) is None
    assert message.parse_reply(reply, netfn, command ^ 1, sequence) is None
    assert message.parse_reply(reply, netfn ^ 2, command, sequence) is None
