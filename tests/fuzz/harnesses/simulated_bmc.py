"""The simulated BMC: any packets in any order are answered or not; sessions stay bounded.

The first byte of each piece says what becomes of the rest: a packet as it is, a payload of one of
the types, or a command in a session that is open, which must be answered.
"""

from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.protocols.ipmi.crypto import SUITES, SessionKeys, Transcript
from rackwatt_exporter.simulator.ipmi.bmc import SimulatedBmc, SimulatedSession
from rackwatt_exporter.simulator.machine import SimulatedMachine
from tests.fuzz.chunks import split

_OURS, _THEIRS = b"\x01\0\0\0", b"\x02\0\0\0"
_TYPES = (
    rmcpplus.OPEN_SESSION_REQUEST,
    rmcpplus.RAKP1,
    rmcpplus.RAKP3,
    rmcpplus.IPMI,
    rmcpplus.SEALED_IPMI,
)


def examine(data: bytes) -> None:
    """Send each piece."""
    machine = SimulatedMachine("n1", "127.0.0.1")
    bmc = SimulatedBmc(machine)
    keys = SessionKeys(SUITES[17], b"key")
    for number, piece in enumerate(split(data), 1):
        kind, rest = (piece[0], piece[1:]) if piece else (0, b"")
        if kind < 0x40:
            bmc.answer(rest)
        elif kind < 0xC0:
            bmc.answer(rmcpplus.encode_plain(_TYPES[kind % len(_TYPES)], rest))
        elif len(rest) >= 3:
            _hold_command(bmc, keys, number, rest)
        assert bmc.sessions <= machine.max_sessions + 1


def _hold_command(bmc: SimulatedBmc, keys: SessionKeys, number: int, rest: bytes) -> None:
    talk = Transcript(SUITES[17], _OURS, 4, b"", b"", _THEIRS)
    bmc._sessions[2] = SimulatedSession(talk, 1e12, keys)  # one that is open, and not idle
    netfn, command = rest[0] >> 2 & 0x3E, rest[1]
    request = message.encode_request(netfn, command, number & 0x3F, rest[2:])
    answer = bmc.answer(rmcpplus.seal(keys, 2, number, request))
    assert answer is not None
    packet = rmcpplus.parse_packet(answer)
    assert packet is not None
    text = rmcpplus.unseal(keys, packet)
    assert text is not None
    assert message.parse_reply(text, netfn, command, number & 0x3F)
