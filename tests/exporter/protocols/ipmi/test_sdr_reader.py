"""SDR repositories with faults; the real ones are in the tests of targets."""

import pytest

from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.protocols.ipmi.sdr_reader import SdrReader
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.reading import ReadError, Reason
from tests.peers.ipmi_sim import SimSensor
from tests.virtual_time import run

STAMP = bytes(10)


class Telling(IpmiSession):
    """A session whose BMC sends at most so many bytes of its one record at a time."""

    def __init__(self, record: bytes, most: int) -> None:
        self._record, self._most = record, most

    async def command(
        self,
        name: str,
        code: tuple[int, int],
        data: bytes = b"",
        lun: int = 0,
        attempts: int | None = None,
    ) -> bytes:
        if name != "Get SDR":
            return b"\x01\x00"
        offset, count = data[4], data[5]
        if count > self._most > 0:
            raise CompletionError(name, ipmi_codes.CANNOT_RETURN_LENGTH)
        return b"\xff\xff" + self._record[offset : offset + min(count, abs(self._most))]


def walked(record: bytes, most: int) -> SdrReader:
    walk = SdrReader(("PSU1 PIN",), STAMP)
    run(walk.read_all(Telling(record, most)))
    return walk


@pytest.mark.parametrize("most", [255, 16, 8, -16, -5])
def test_a_record_is_put_together_from_pieces(most: int) -> None:
    """A negative number is a BMC that sends fewer bytes than requested, without an error."""
    record = SimSensor("PSU1 PIN").record(1)
    assert [sensor.number for sensor in walked(record, most).found] == [1]


def test_a_record_without_end_is_a_bad_reply() -> None:
    """Found by reading: the offset of the 256th byte has no place in the command."""
    endless = SimSensor("PSU1 PIN").record(1)[:4] + b"\xff" + bytes(300)
    with pytest.raises(ReadError) as caught:
        walked(endless, -5)
    assert caught.value.reason is Reason.BAD_REPLY
