"""Simulated BMC: presence pings, handshakes with suites 3 and 17, sessions.

Its commands are in `commands`. The codecs are the client's own; the tests verify them by ipmitool,
freeipmi and pyghmi, which log in here.
"""

import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi import rmcp, rmcpplus
from rackwatt_exporter.protocols.ipmi.crypto import SessionKeys, Transcript
from rackwatt_exporter.protocols.ipmi.rmcpplus import (
    LEVELS,
    OpenedSession,
    Rakp1,
    Rakp3,
    RmcpPlusResponse,
)
from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.ipmi.commands import BEFORE_LOGIN, Commands, IpmiCommands
from rackwatt_exporter.simulator.loopback_udp import LoopbackServer
from rackwatt_exporter.simulator.machine import SimulatedMachine

IDLE_LIMIT_S = 60.0

_NO_ROOM = 0x01
_INVALID_SESSION = 0x02
_INVALID_ROLE = 0x09
_UNAUTHORIZED_NAME = 0x0D
_WRONG_PROOF = 0x0F
_NO_SUITE_MATCH = 0x11
_CLOSE_SESSION = (message.NETFN_APP, 0x3C)


@dataclass(slots=True)
class SimulatedSession:
    """A session, from Open Session on; it has keys once the console is authenticated."""

    transcript: Transcript
    received_at: float
    keys: SessionKeys | None = None
    inbound: int = 0
    outbound: int = 0


class SimulatedBmc:
    """The BMC of a machine; `commands` respond inside sessions, by default its machine's own."""

    def __init__(self, machine: SimulatedMachine, commands: Commands | None = None) -> None:
        self._machine = machine
        self._commands = commands or IpmiCommands(machine)
        self._guid = machine.name.encode()[:16].ljust(16, b"\0")
        self._sessions: dict[int, SimulatedSession] = {}
        self._handlers = {
            rmcpplus.OPEN_SESSION_REQUEST: self._open_session,
            rmcpplus.RAKP1: self._rakp1,
            rmcpplus.RAKP3: self._rakp3,
        }

    @property
    def sessions(self) -> int:
        """Number of sessions that are open, or being opened."""
        return len(self._sessions)

    def restart(self) -> None:
        """Drop every session, as restarted firmware does."""
        self._sessions.clear()

    def answer(self, data: bytes) -> bytes | None:
        """Return the response to a packet, None where a BMC does not respond."""
        packet = rmcpplus.parse_packet(data)
        if packet is None:
            return _answer_ping(data) or self._answer_before_login(data)
        if packet.payload_type & 0x3F == rmcpplus.IPMI:
            return self._answer_in_session(packet)
        handler = self._handlers.get(packet.payload_type)
        response = handler(packet.payload) if handler else None
        if response is None:
            return None
        return rmcpplus.encode_plain(packet.payload_type + 1, response.encode())

    def _answer_before_login(self, data: bytes) -> bytes | None:
        text = rmcp.unwrap_without_session(data)
        request = message.parse_request(text) if text else None
        if request is None or (request.netfn, request.command) not in BEFORE_LOGIN:
            return None
        answer = self._commands.answer(request)
        return rmcp.wrap_without_session(message.encode_reply(request, answer))

    def _open_session(self, payload: bytes) -> RmcpPlusResponse | None:
        request = rmcpplus.OpenSessionRequest.parse(payload)
        if request is None:
            return None
        if request.suite is None or request.suite.number not in self._machine.vendor.suites:
            return RmcpPlusResponse(request.tag, _NO_SUITE_MATCH, request.console_id)
        if not request.privilege and not self._machine.vendor.highest:
            return RmcpPlusResponse(request.tag, _INVALID_ROLE, request.console_id)
        if not self._has_room():
            return RmcpPlusResponse(request.tag, _NO_ROOM, request.console_id)
        bmc_id = os.urandom(4)
        transcript = Transcript(
            request.suite, request.console_id, 0, b"", b"", bmc_id, guid=self._guid
        )
        number = int.from_bytes(bmc_id, "little")
        self._sessions[number] = SimulatedSession(transcript, time.monotonic())
        opened = OpenedSession(bmc_id, request.algorithms).encode()
        level = request.privilege or LEVELS["admin"]
        return RmcpPlusResponse(request.tag, 0, request.console_id, opened, level)

    def _rakp1(self, payload: bytes) -> RmcpPlusResponse | None:
        message_1 = Rakp1.parse(payload)
        if message_1 is None:
            return None
        session = self._sessions.get(int.from_bytes(message_1.bmc_id, "little"))
        if session is None or session.keys is not None:
            return RmcpPlusResponse(message_1.tag, _INVALID_SESSION, bytes(4))
        transcript = session.transcript
        if message_1.username != self._machine.login.username.encode():
            return RmcpPlusResponse(message_1.tag, _UNAUTHORIZED_NAME, transcript.console_id)
        transcript.username, transcript.role = message_1.username, message_1.role
        transcript.console_random, transcript.bmc_random = message_1.console_random, os.urandom(16)
        proof = transcript.bmc_proof(self._password)
        return RmcpPlusResponse(
            message_1.tag, 0, transcript.console_id, transcript.bmc_random + transcript.guid + proof
        )

    def _rakp3(self, payload: bytes) -> RmcpPlusResponse | None:
        reply = Rakp3.parse(payload)
        if reply is None:
            return None
        number = int.from_bytes(reply.bmc_id, "little")
        session = self._sessions.get(number)
        if session is None or session.keys is not None or not session.transcript.bmc_random:
            return RmcpPlusResponse(reply.tag, _INVALID_SESSION, bytes(4))
        transcript = session.transcript
        if not hmac.compare_digest(reply.proof, transcript.console_proof(self._password)):
            del self._sessions[number]
            return RmcpPlusResponse(reply.tag, _WRONG_PROOF, transcript.console_id)
        session_key = transcript.session_key(self._machine.login.kg or self._password)
        session.keys = SessionKeys(transcript.suite, session_key)
        return RmcpPlusResponse(
            reply.tag, 0, transcript.console_id, transcript.bmc_confirmation(session_key)
        )

    def _answer_in_session(self, packet: rmcpplus.Packet) -> bytes | None:
        session = self._sessions.get(packet.session_id)
        if session is None or session.keys is None or packet.sequence <= session.inbound:
            return None
        if session.received_at < time.monotonic() - IDLE_LIMIT_S:
            del self._sessions[packet.session_id]
            return None
        text = rmcpplus.unseal(session.keys, packet)
        request = message.parse_request(text) if text else None
        if request is None:
            return None
        session.inbound = packet.sequence
        session.received_at = time.monotonic()
        session.outbound += 1
        answer = self._commands.answer(request)
        if (request.netfn, request.command) == _CLOSE_SESSION:
            self._sessions.pop(int.from_bytes(request.data[:4], "little"), None)
        console = int.from_bytes(session.transcript.console_id, "little")
        reply = message.encode_reply(request, answer)
        return rmcpplus.seal(session.keys, console, session.outbound, reply)

    def _has_room(self) -> bool:
        limit = self._machine.max_sessions
        if len(self._sessions) >= limit:
            oldest = time.monotonic() - IDLE_LIMIT_S
            for number in [n for n, s in self._sessions.items() if s.received_at < oldest]:
                del self._sessions[number]
        return len(self._sessions) < limit

    @property
    def _password(self) -> bytes:
        return self._machine.login.password.encode()


def _answer_ping(data: bytes) -> bytes | None:
    tag = rmcp.parse_ping(data)
    return None if tag is None else rmcp.encode_pong(tag)


class IpmiServer(LoopbackServer):
    """The BMCs of `machines`, which are keyed by their IPv4 loopback address, at one UDP port."""

    def __init__(
        self, machines: Mapping[str, SimulatedMachine], port: int, faults: Faults | None = None
    ) -> None:
        devices = {address: SimulatedBmc(machine) for address, machine in machines.items()}
        super().__init__(devices, port, faults)
