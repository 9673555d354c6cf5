"""Finding sensors in a BMC's SDR repository, over a session (IPMI v2.0 section 33).

A walk takes a command or more for each of some hundreds of records, which may be longer than one
reading's deadline: it keeps its place, and goes on at the next. It ends as soon as every wanted
name has been met; of two sensors of one name the first counts, as it does for ipmitool.
"""

import asyncio
import random

from rackwatt_exporter.protocols import ipmi_message as message
from rackwatt_exporter.protocols import sdr
from rackwatt_exporter.protocols.ipmi_session import CompletionError, Session
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
        message.CANNOT_RETURN_LENGTH,
        message.DATA_TRUNCATED,
        message.LENGTH_INVALID,
        message.LENGTH_EXCEEDED,
        message.OUT_OF_RANGE,
        message.INVALID_FIELD,
        message.UNSPECIFIED,
    }
)
_LONGEST = 255  # the offset of a piece is one byte
_LOSSES = 12  # of the reservation, at one record
_PAUSE_S = 0.05


async def repository_stamp(session: Session) -> bytes:
    """Tell what changes whenever the repository does: its size, and when it last changed.

    Raises:
        ReadError: as `Session.command`; bad_reply.
    """
    data = await session.command("Get SDR Repository Info", _GET_INFO)
    if len(data) < 13:
        raise ReadError(Reason.BAD_REPLY, "Get SDR Repository Info is cut short")
    return data[1:3] + data[5:13]


class SdrWalk:
    """One walk through a repository as of `stamp`, which can be left and taken up again.

    `found` has the analog sensors met so far, by name; `done` says whether all wanted are among
    them, or the end was reached.
    """

    def __init__(self, wanted: tuple[str, ...], stamp: bytes) -> None:
        self.stamp = stamp
        self.found: dict[str, sdr.Sensor] = {}
        self.done = False
        self._wanted = frozenset(wanted)
        self._met: set[int] = set()
        self._next = 0
        self._piece = WHOLE
        self._reservation = bytes(2)
        self._reserved_in: Session | None = None
        self._losses = 0

    async def go_on(self, session: Session) -> None:
        """Walk until done.

        Raises:
            ReadError: as `Session.command`; bad_reply, sensor_unreadable.
        """
        while not self.done:
            try:
                await self._step(session)
            except CompletionError as error:
                if error.code == message.RESERVATION_LOST and self._losses < _LOSSES:
                    await self._look_again(session)
                elif error.code in _TOO_MUCH and self._piece in _PIECES:
                    self._piece = _PIECES[self._piece]
                else:
                    raise

    async def _step(self, session: Session) -> None:
        if self._reserved_in is not session:
            self._reservation = await _reserve(session)
            self._reserved_in = session
        following, record = await self._record(session, self._next)
        sensor = sdr.parse_record(record)
        if sensor is not None:
            self.found.setdefault(sensor.name, sensor)
        self._met.add(self._next)
        if following in self._met:
            raise ReadError(Reason.BAD_REPLY, f"SDR repository: record {following} comes twice")
        self._next, self._losses = following, 0
        self.done = following == END or self._wanted <= self.found.keys()

    async def _look_again(self, session: Session) -> None:
        """Begin anew if the repository has changed; if another client merely reserved it, go on."""
        self._losses += 1
        self._reserved_in = None
        # Two clients at the same pace would take it from each other for ever: wait unevenly.
        await asyncio.sleep(_PAUSE_S * self._losses * random.random())  # noqa: S311 - not a secret
        stamp = await repository_stamp(session)
        if stamp != self.stamp:
            self.stamp = stamp
            self._next = 0
            self._met.clear()
            self.found.clear()

    async def _record(self, session: Session, record_id: int) -> tuple[int, bytes]:
        """Read one record, in pieces; of a record that is no full sensor the head is enough."""
        count = WHOLE if self._piece == WHOLE else sdr.HEADER
        following, record = await self._get(session, record_id, 0, count)
        if len(record) < sdr.HEADER:
            raise ReadError(Reason.BAD_REPLY, f"SDR repository: record {record_id} has no header")
        if record[3] != sdr.FULL_SENSOR:
            return following, record
        while missing := max(0, sdr.HEADER + record[4] - len(record)):
            count = min(self._piece, missing)
            _, piece = await self._get(session, record_id, len(record), count)
            if not piece or len(record) + len(piece) > _LONGEST:
                raise ReadError(Reason.BAD_REPLY, f"SDR repository: record {record_id} is short")
            record += piece
        return following, record

    async def _get(
        self, session: Session, record_id: int, offset: int, count: int
    ) -> tuple[int, bytes]:
        place = record_id.to_bytes(2, "little") + bytes((offset, count))
        data = await session.command("Get SDR", _GET_SDR, self._reservation + place)
        if len(data) < 2:
            raise ReadError(Reason.BAD_REPLY, "Get SDR is cut short")
        return int.from_bytes(data[:2], "little"), data[2:]


async def _reserve(session: Session) -> bytes:
    try:
        return (await session.command("Reserve SDR Repository", _RESERVE))[:2].ljust(2, b"\0")
    except CompletionError as error:
        if error.code != message.INVALID_COMMAND:
            raise
        return bytes(2)  # a repository that never changes needs no reservation
