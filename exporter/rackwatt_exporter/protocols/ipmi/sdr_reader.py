"""Reader of the sensors in a BMC's SDR repository, over a session (IPMI v2.0 section 33).

Some hundreds of records need a command or more each, which may take longer than one reading's
deadline: the reader keeps its position and continues at the next reading. It always reads to the
end, since several sensors may have one name; one that is listed twice is kept once.
"""

import asyncio
import random

from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi import sdr
from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.reading import ReadError, Reason

_GET_INFO = (message.NETFN_STORAGE, 0x20)
_RESERVE = (message.NETFN_STORAGE, 0x22)
_GET_SDR = (message.NETFN_STORAGE, 0x23)

END = 0xFFFF
WHOLE = 0xFF
# Not every BMC can send a whole record in one message; all of them manage 16 bytes, or 8.
_PIECES = {WHOLE: 16, 16: 8}
_TOO_MUCH = frozenset(
    {
        ipmi_codes.CANNOT_RETURN_LENGTH,
        ipmi_codes.DATA_TRUNCATED,
        ipmi_codes.LENGTH_INVALID,
        ipmi_codes.LENGTH_EXCEEDED,
        ipmi_codes.OUT_OF_RANGE,
        ipmi_codes.INVALID_FIELD,
        ipmi_codes.UNSPECIFIED,
    }
)
_MAX_LENGTH = 255  # the offset of a piece is one byte
_MAX_LOSSES = 12  # of the reservation, at one record
_PAUSE_S = 0.05


async def repository_stamp(session: IpmiSession) -> bytes:
    """Return a value that changes whenever the repository does: its size, and time of change.

    Raises:
        ReadError: as `IpmiSession.command`; bad_reply.
    """
    data = await session.command("Get SDR Repository Info", _GET_INFO)
    if len(data) < 13:
        raise ReadError(Reason.BAD_REPLY, "Get SDR Repository Info is truncated")
    return data[1:3] + data[5:13]


class SdrReader:
    """One pass through a repository as of `stamp`, which can be interrupted and continued.

    `found` has the sensors of the wanted names so far. `names` has the names of all sensors, and
    whether they are in watts, as long as a wanted one is missing. `done` says whether the end was
    reached.
    """

    def __init__(self, wanted: tuple[str, ...], stamp: bytes) -> None:
        self.stamp = stamp
        self.found: list[sdr.Sensor] = []
        self.names: dict[str, bool] = {}
        self.done = False
        self._wanted = frozenset(wanted)
        self._seen: set[int] = set()
        self._next = 0
        self._piece = WHOLE
        self._reservation = bytes(2)
        self._reserved_in: IpmiSession | None = None
        self._losses = 0

    async def read_all(self, session: IpmiSession) -> None:
        """Read until done.

        Raises:
            ReadError: as `IpmiSession.command`; bad_reply, sensor_unreadable.
        """
        self._losses = 0
        while not self.done:
            try:
                await self._step(session)
            except CompletionError as error:
                if error.code == ipmi_codes.RESERVATION_LOST and self._losses < _MAX_LOSSES:
                    await self._recover_reservation(session)
                elif error.code in _TOO_MUCH and self._piece in _PIECES:
                    self._piece = _PIECES[self._piece]
                else:
                    raise

    async def _step(self, session: IpmiSession) -> None:
        if self._reserved_in is not session:
            self._reservation = await _reserve(session)
            self._reserved_in = session
        following, record = await self._record(session, self._next)
        self._add(record)
        self._seen.add(self._next)
        self._next, self._losses = following, 0
        if following in self._seen and not self._has_all():
            raise ReadError(Reason.BAD_REPLY, f"SDR repository: record {following} comes twice")
        if following == END or following in self._seen:
            self._finish()

    def _add(self, record: bytes) -> None:
        sensor = sdr.parse_record(record)
        if sensor is None:
            self.names.update(dict.fromkeys(sdr.parse_compact_names(record), False))
            return
        self.names[sensor.name] = sensor.in_watts
        if sensor.name in self._wanted and not any(_is_same(sensor, known) for known in self.found):
            self.found.append(sensor)

    def _finish(self) -> None:
        """Keep only what is needed: there are thousands of BMCs, with hundreds of records each."""
        self.done = True
        self._seen.clear()
        if self._has_all():
            self.names.clear()

    def _has_all(self) -> bool:
        return self._wanted <= {sensor.name for sensor in self.found}

    async def _recover_reservation(self, session: IpmiSession) -> None:
        """Restart if the repository has changed; continue if another client has reserved it."""
        self._losses += 1
        self._reserved_in = None
        # Two clients at the same pace would take it from each other forever: wait a random time.
        await asyncio.sleep(_PAUSE_S * self._losses * random.random())  # noqa: S311 - not a secret
        stamp = await repository_stamp(session)
        if stamp != self.stamp:
            self.stamp = stamp
            self._next = 0
            self._seen.clear()
            self.found.clear()
            self.names.clear()

    async def _record(self, session: IpmiSession, record_id: int) -> tuple[int, bytes]:
        """Read one record, in pieces; of a record that is no sensor the header is enough."""
        count = WHOLE if self._piece == WHOLE else sdr.HEADER
        following, record = await self._get(session, record_id, 0, count)
        if len(record) < sdr.HEADER:
            raise ReadError(Reason.BAD_REPLY, f"SDR repository: record {record_id} has no header")
        if record[3] not in (sdr.FULL_SENSOR, sdr.COMPACT_SENSOR):
            return following, record
        while missing := max(0, sdr.HEADER + record[4] - len(record)):
            count = min(self._piece, missing)
            _, piece = await self._get(session, record_id, len(record), count)
            if not piece or len(record) + len(piece) > _MAX_LENGTH:
                raise ReadError(Reason.BAD_REPLY, f"SDR repository: record {record_id} is short")
            record += piece
        return following, record

    async def _get(
        self, session: IpmiSession, record_id: int, offset: int, count: int
    ) -> tuple[int, bytes]:
        selector = record_id.to_bytes(2, "little") + bytes((offset, count))
        data = await session.command("Get SDR", _GET_SDR, self._reservation + selector)
        if len(data) < 2:
            raise ReadError(Reason.BAD_REPLY, "Get SDR is truncated")
        return int.from_bytes(data[:2], "little"), data[2:]


def _is_same(one: sdr.Sensor, other: sdr.Sensor) -> bool:
    """Return whether two records are of one sensor, and agree that it is in watts or is not."""
    return (one.name, one.identity, one.in_watts) == (other.name, other.identity, other.in_watts)


async def _reserve(session: IpmiSession) -> bytes:
    try:
        return (await session.command("Reserve SDR Repository", _RESERVE))[:2].ljust(2, b"\0")
    except CompletionError as error:
        if error.code != ipmi_codes.INVALID_COMMAND:
            raise
        return bytes(2)  # a repository that never changes needs no reservation
