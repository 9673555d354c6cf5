"""A session on a network that keeps, repeats, reorders, spoils and forges packets as it likes.

Whatever it does, an answer is the answer to the command that waits for it, or there is none.
"""

import asyncio
from collections.abc import Iterator

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.protocols.ipmi.completion_codes import CodeKind, CompletionError
from rackwatt_exporter.protocols.ipmi.crypto import SUITES, SessionKeys
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.protocols.ipmi.transport import NoResponseError
from tests.exporter.protocols.ipmi.wire import BMC, Wire
from tests.virtual_time import VirtualTimeLoop

OURS, THEIRS = 3, 9
TIMEOUT_S = 1.0
HEADER = 16
KEYS = SessionKeys(SUITES[17], b"session key")
OTHERS = SessionKeys(SUITES[17], b"another key")
COMMANDS = [(message.NETFN_APP, 1), (message.NETFN_SENSOR, 0x2D)]
PLACE = st.integers(0, 1000)


class AnyNetwork(RuleBasedStateMachine):
    """One session, one BMC that echoes, and a network between them that holds every packet."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.held: list[bytes] = []
        self.requests = 0
        self.answered = 0
        self.waiting: asyncio.Task[bytes] | None = None
        self.busy = False
        self.sequence = 0
        self.session = self.loop.run_until_complete(self._open())

    async def _open(self) -> IpmiSession:
        session = IpmiSession(Wire(self._hold), BMC, (OURS, THEIRS), KEYS)
        session.timeout_s, session.attempts = TIMEOUT_S, 3
        return session

    def _hold(self, data: bytes) -> Iterator[bytes]:
        """Pass each packet to the BMC, and keep its response."""
        packet = rmcpplus.parse_packet(data)
        text = rmcpplus.unseal(KEYS, packet) if packet else None
        request = message.parse_request(text) if text else None
        assert request is not None
        answer = bytes((ipmi_codes.NODE_BUSY if self.busy else ipmi_codes.OK,)) + request.data
        self.sequence += 1
        reply = message.encode_reply(request, answer)
        self.held.append(rmcpplus.seal(KEYS, OURS, self.sequence, reply))
        return iter(())

    def _go_on(self, for_s: float = 0.0) -> None:
        self.loop.run_until_complete(asyncio.sleep(for_s))

    @precondition(lambda self: self.waiting is None)
    @rule(command=st.sampled_from(COMMANDS))
    def ask(self, command: tuple[int, int]) -> None:
        self.requests += 1
        mine = self.requests.to_bytes(4)
        self.waiting = self.loop.create_task(self.session.command("Echo", command, mine))
        self._go_on()

    @precondition(lambda self: self.held)
    @rule(place=PLACE, again=st.booleans())
    def deliver(self, place: int, again: bool) -> None:
        place %= len(self.held)
        packet = self.held[place] if again else self.held.pop(place)
        self.session.endpoint._dispatch(packet, BMC)
        self._go_on()

    @precondition(lambda self: self.held)
    @rule(place=PLACE, at=PLACE, flip=st.integers(1, 255))
    def spoil(self, place: int, at: int, flip: int) -> None:
        packet = bytearray(self.held[place % len(self.held)])
        packet[HEADER + at % (len(packet) - HEADER)] ^= flip
        self.session.endpoint._dispatch(bytes(packet), BMC)
        self._go_on()

    @rule(ahead=st.integers(1, 9), command=st.sampled_from(COMMANDS))
    def forge(self, ahead: int, command: tuple[int, int]) -> None:
        """Answer the very question, with every number right but without the key."""
        netfn, code = command
        number = self.session._request
        request = message.IpmiRequest(netfn, 0, number, code, b"", message.CONSOLE_ADDRESS)
        reply = message.encode_reply(request, b"\0forged")
        plain = rmcpplus.encode_plain(rmcpplus.IPMI, reply)
        numbers = OURS.to_bytes(4, "little") + (self.sequence + ahead).to_bytes(4, "little")
        for packet in (
            rmcpplus.seal(OTHERS, OURS, self.sequence + ahead, reply),
            plain[:6] + numbers + plain[14:],
        ):
            self.session.endpoint._dispatch(packet, BMC)
        self._go_on()

    @rule(busy=st.booleans())
    def become(self, busy: bool) -> None:
        self.busy = busy

    @rule(for_s=st.sampled_from([0.06, 0.6, 1.1]))
    def wait(self, for_s: float) -> None:
        self._go_on(for_s)

    @precondition(lambda self: self.waiting is not None)
    @rule()
    def give_up(self) -> None:
        """Cancel, as the poller does at its deadline."""
        assert self.waiting is not None
        self.waiting.cancel()
        self._go_on()

    @invariant()
    def an_answer_is_the_answer_to_its_question(self) -> None:
        if self.waiting is None or not self.waiting.done():
            return
        done, self.waiting = self.waiting, None
        assert not self.session.busy
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            assert done.result() == self.requests.to_bytes(4)
            self.answered += 1
        else:
            assert isinstance(error, NoResponseError) or _is_busy(error)

    def teardown(self) -> None:
        if self.waiting is not None:
            self.waiting.cancel()
            self._go_on()
        assert not self.loop.broken
        self.loop.close()


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, CompletionError) and error.kind is CodeKind.BUSY


AnyNetwork.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_any_network_settles_no_wrong_answer = AnyNetwork.TestCase


def test_the_story_can_end_well() -> None:
    """Else the story above would prove nothing."""
    story = AnyNetwork()
    story.ask(COMMANDS[0])
    story.wait(1.1)
    assert len(story.held) == 2
    story.deliver(1, True)
    story.an_answer_is_the_answer_to_its_question()
    assert story.answered == 1
    story.teardown()
