"""A BMC that has proved itself and then says anything: watts it said, or a reason.

Each piece is the answer to one command: completion code and data. After the last it is silent.
"""

import math
from collections.abc import Iterator

from rackwatt_exporter.config.options import IpmiOptions
from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import dcmi, rmcpplus
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.crypto import SUITES, SessionKeys
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.ipmi.power import PowerReader
from tests.exporter.protocols.ipmi.wire import BMC, Wire
from tests.fuzz.chunks import split
from tests.virtual_time import run

KEYS = SessionKeys(SUITES[17], b"key")
SENSORS = ("PSU1 PIN", "PSU2 PIN")
_REASONS = {
    Reason.TIMEOUT,
    Reason.POWERED_OFF,
    Reason.NO_POWER_SENSOR,
    Reason.SENSOR_UNREADABLE,
    Reason.MEMBER_MISSING,
    Reason.PRIVILEGE_INSUFFICIENT,
    Reason.BAD_REPLY,
}


class Bmc:
    """Answers commands with the pieces, one after the other, and remembers the last of each."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = iter(pieces)
        self._sequence = 0
        self.said: dict[tuple[int, int], bytes] = {}

    def answers(self, data: bytes) -> Iterator[bytes]:
        """Answer one packet, or not."""
        packet = rmcpplus.parse_packet(data)
        text = rmcpplus.unseal(KEYS, packet) if packet else None
        request = message.parse_request(text) if text else None
        assert request is not None
        answer = next(self._pieces, None)
        if answer is not None:
            self._sequence += 1
            self.said[request.netfn, request.command] = answer
            yield rmcpplus.seal(KEYS, 1, self._sequence, message.encode_reply(request, answer))


def examine(data: bytes) -> None:
    """Read twice in one session."""
    run(_read(Bmc(split(data, 400))))


async def _read(bmc: Bmc) -> None:
    session = IpmiSession(Wire(bmc.answers), BMC, (1, 2), KEYS)
    meter = PowerReader(IpmiOptions(sensors=SENSORS))
    for _ in range(2):
        try:
            reading = await meter.read(session)
        except ReadError as error:
            assert error.reason in _REASONS
            continue
        assert math.isfinite(reading.watts)
        if reading.source == "dcmi":
            said = bmc.said[dcmi.GET_POWER_READING]
            assert said[0] == ipmi_codes.OK
            assert said[1] == dcmi.GROUP
            assert reading.watts == said[2] + 256 * said[3] > 0
            assert said[18] & dcmi.MEASURING
        else:
            said = bmc.said[message.NETFN_SENSOR, 0x2D]
            assert reading.watts > 0
            assert said[2] & 0x60 == 0x40  # scanning, and available
