"""A BMC whose answers are written down, command by command, at the other end of an open session."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import dcmi, rmcpplus
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.crypto import SUITES, SessionKeys
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.reading import Statistics
from tests.exporter.protocols.ipmi.wire import BMC, Wire

KEYS = SessionKeys(SUITES[17], b"key")
DCMI = dcmi.GET_POWER_READING
CHASSIS = (message.NETFN_CHASSIS, 0x01)
SENSOR = (message.NETFN_SENSOR, 0x2D)
STAMP = (message.NETFN_STORAGE, 0x20)
RESERVE = (message.NETFN_STORAGE, 0x22)
GET_SDR = (message.NETFN_STORAGE, 0x23)
SILENCE = b""

ON, OFF = bytes((0, 1, 0, 0)), bytes((0, 0, 0, 0))
E0_UNAVAILABLE = bytes((0, 0, 0xE0, 0xC0))


def watts(number: int, measuring: bool = True) -> bytes:
    """Return an answer of DCMI."""
    reading = dcmi.PowerReading(number, measuring, Statistics())
    return b"\0" + dcmi.encode_power_reading(reading, 0)


def raw(value: int) -> bytes:
    """Return an answer of a sensor."""
    return bytes((0, value, 0xC0, 0xC0))


class ScriptedBmc:
    """Answers each command with what `script` has for it, or C1h; `heard` counts the commands.

    A key is a command, or a command and the data's first byte, and its LUN; a list is answers in turn, the last
    of which remains. `records` are the SDR repository's.
    """

    def __init__(
        self,
        script: Mapping[tuple[int, ...], bytes] | Mapping[tuple[int, ...], bytes | list[bytes]],
        records: Sequence[bytes] = (),
    ) -> None:
        self.script: dict[tuple[int, ...], bytes | list[bytes]] = dict(script)
        self.heard: Counter[tuple[int, ...]] = Counter()
        self.changed = 0
        self.records = list(records)
        self._sequence = 0

    def session(self) -> IpmiSession:
        """Return an open session with it, in a running loop."""
        session = IpmiSession(Wire(self._answers), BMC, (1, 2), KEYS)
        session.timeout_s = 1.0
        return session

    def _answers(self, data: bytes) -> Iterator[bytes]:
        packet = rmcpplus.parse_packet(data)
        text = rmcpplus.unseal(KEYS, packet) if packet else None
        request = message.parse_request(text) if text else None
        assert request is not None
        answer = self._answer(request)
        if answer != SILENCE:
            self._sequence += 1
            yield rmcpplus.seal(KEYS, 1, self._sequence, message.encode_reply(request, answer))

    def _answer(self, request: message.IpmiRequest) -> bytes:
        command = (request.netfn, request.command)
        self.heard[command] += 1
        first = (*command, *request.data[:1])
        for key in ((*first, request.lun), first, command):
            if key in self.script:
                return self._turn(key)
        if command == GET_SDR:
            return self._record(request.data)
        if command == STAMP:
            count = len(self.records).to_bytes(2, "little")
            return b"\0\x51" + count + b"\xff\xff" + self.changed.to_bytes(4) + bytes(4) + b"\x02"
        return bytes((ipmi_codes.INVALID_COMMAND,))

    def _turn(self, key: tuple[int, ...]) -> bytes:
        answers = self.script[key]
        if isinstance(answers, bytes):
            return answers
        if len(answers) > 1:
            self.script[key] = answers[1:]
        return answers[0]

    def _record(self, data: bytes) -> bytes:
        index, offset, count = data[2] + 256 * data[3], data[4], data[5]
        if index >= len(self.records):
            return bytes((ipmi_codes.NOT_PRESENT,))
        following = index + 1 if index + 1 < len(self.records) else 0xFFFF
        return b"\0" + following.to_bytes(2, "little") + self.records[index][offset:][:count]
