"""Values that are not what they should be, from an agent on the wire: never a number of watts."""

import random
from collections.abc import Callable

import pytest

from rackwatt_crds.bmc.snmp import Row
from rackwatt_exporter import ber
from rackwatt_exporter.config.options import OidOptions
from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.targets.snmp.agents import Sources, reason_of
from tests.peers.raw_agent import raw_agent

COLUMN = "1.3.6.1.4.1.1718.4.1.3.3.1.3"
FEEDS = [f"{COLUMN}.1.{feed}" for feed in (1, 2, 3)]
MALFORMED = {
    "an INTEGER of no bytes": b"\x02\x00",
    "a Gauge32 of no bytes": b"\x42\x00",
    "a Counter32 of no bytes": b"\x41\x00",
    "a Counter64 of no bytes": b"\x46\x00",
    "TimeTicks of no bytes": b"\x43\x00",
    "an Unsigned32 of no bytes": b"\x47\x00",
    "an INTEGER of five bytes": b"\x02\x05\x01\x00\x00\x01\x58",
    "an INTEGER of nine bytes": b"\x02\x09\x01\x00\x00\x00\x00\x00\x00\x01\x58",
    "a Gauge32 of six bytes": b"\x42\x06\x00\x00\x00\x00\x01\x58",
    "a Gauge32 of five bytes, too large": b"\x42\x05\x01\x00\x00\x01\x58",
    "a Gauge32 below zero": b"\x42\x01\xc8",
    "a Counter64 of ten bytes": b"\x46\x0a" + bytes(9) + b"\x01",
    "an Opaque of no bytes": b"\x44\x00",
    "a float of three bytes": b"\x44\x06\x9f\x78\x03\x43\xac\x00",
    "a float that lacks bytes": b"\x44\x05\x9f\x78\x04\x43\xac",
    "a float with bytes after it": b"\x44\x08\x9f\x78\x04\x43\xac\x00\x00\x00",
    "an Opaque of digits": b"\x44\x03344",
    "not a number": b"\x44\x07\x9f\x78\x04\x7f\xc0\x00\x00",
    "infinity": b"\x44\x07\x9f\x78\x04\x7f\x80\x00\x00",
    "a BIT STRING": b"\x03\x02\x00\x58",
    "an IpAddress of two bytes": b"\x40\x02\x01\x58",
    "an unknown type": b"\x9f\x01\x58",
    "a constructed integer": b"\x22\x03\x02\x01\x58",
}
UNREADABLE = {
    "all ones": b"\x42\x05\x00\xff\xff\xff\xff",
    "all ones without a sign": b"\x42\x04\xff\xff\xff\xff",
    "the largest INTEGER": b"\x02\x04\x7f\xff\xff\xff",
    "minus one": b"\x02\x01\xff",
    "minus one as text": b"\x04\x02-1",
    "an empty text": b"\x04\x00",
    "no number as text": b"\x04\x03N/A",
}
NO_MEASUREMENT = {
    "a Counter32": b"\x41\x02\x01\x58",
    "a Counter64": b"\x46\x02\x01\x58",
    "a Counter64 of nine bytes": b"\x46\x09" + bytes(7) + b"\x01\x58",
    "a Counter64 of all ones": b"\x46\x09\x00" + b"\xff" * 8,
    "TimeTicks": b"\x43\x02\x01\x58",
    "an IpAddress": b"\x40\x04\x00\x00\x01\x58",
    "an OBJECT IDENTIFIER": b"\x06\x02\x2b\x06",
}
MISSING = {"noSuchObject": b"\x80\x00", "noSuchInstance": b"\x81\x00", "NULL": b"\x05\x00"}
PADDED = {
    "four bytes": b"\x02\x04\x00\x00\x01\x58",
    "a length in two bytes": b"\x02\x81\x02\x01\x58",
    "a length in five bytes": b"\x02\x84\x00\x00\x00\x02\x01\x58",
    "a Gauge32 of five bytes": b"\x42\x05\x00\x00\x00\x01\x58",
    "an Unsigned32": b"\x47\x02\x01\x58",
    "a float": b"\x44\x07\x9f\x78\x04\x43\xac\x00\x00",
    "a double": b"\x44\x0b\x9f\x79\x08\x40\x75\x80\x00\x00\x00\x00\x00",
    "text with a NUL": b"\x04\x04344\x00",
}

LEVELS = [
    {"version": "1"},
    {"version": "2c"},
    *({"version": "3", "level": level} for level in ("authNoPriv", "authPriv")),
]
versions = pytest.mark.parametrize(
    "said", LEVELS, ids=lambda said: said.get("level", said["version"])
)


def rows(third: bytes) -> dict[str, bytes]:
    return dict(zip(FEEDS, (ber.integer(1500), ber.integer(900), third), strict=True))


@versions
@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_value_is_a_bad_reply_alone_and_in_a_sum(
    source: Sources, name: str, said: dict[str, str]
) -> None:
    async with raw_agent(rows(MALFORMED[name])) as agent:
        for oids in (FEEDS[2:], FEEDS, [OidOptions(COLUMN, where=Row(oid=COLUMN))]):
            reason, message = await reason_of(source(agent.address, *oids, **said))
            assert (reason, FEEDS[2] in message) == (Reason.BAD_REPLY, True)


@versions
@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_value_that_says_no_measurement_is_unreadable_alone_and_in_a_sum(
    source: Sources, name: str, said: dict[str, str]
) -> None:
    async with raw_agent(rows(UNREADABLE[name])) as agent:
        for oids in (FEEDS[2:], FEEDS, [OidOptions(COLUMN, 0.1, where=Row(oid=COLUMN))]):
            reason, message = await reason_of(source(agent.address, *oids, **said))
            assert (reason, FEEDS[2] in message) == (Reason.SENSOR_UNREADABLE, True)


@versions
@pytest.mark.parametrize("name", NO_MEASUREMENT)
async def test_an_object_whose_type_never_measures_is_no_watts_alone_and_in_a_sum(
    source: Sources, name: str, said: dict[str, str]
) -> None:
    async with raw_agent(rows(NO_MEASUREMENT[name])) as agent:
        for oids in (FEEDS[2:], FEEDS, [OidOptions(COLUMN, where=Row(oid=COLUMN))]):
            reason, message = await reason_of(source(agent.address, *oids, **said))
            assert (reason, FEEDS[2] in message) == (Reason.NO_POWER_SENSOR, True)


@versions
@pytest.mark.parametrize("name", MISSING)
async def test_an_object_that_the_agent_does_not_show_is_missing(
    source: Sources, name: str, said: dict[str, str]
) -> None:
    async with raw_agent(rows(MISSING[name])) as agent:
        reason, message = await reason_of(source(agent.address, *FEEDS, **said))
        assert (reason, FEEDS[2] in message) == (Reason.NO_POWER_SENSOR, True)


@versions
@pytest.mark.parametrize("name", PADDED)
async def test_a_value_that_is_padded_is_its_number(
    source: Sources, name: str, said: dict[str, str]
) -> None:
    async with raw_agent(rows(PADDED[name])) as agent:
        for oids in (FEEDS, [OidOptions(COLUMN, where=Row(oid=COLUMN))]):
            assert (await source(agent.address, *oids, **said).read()).watts == 2400 + 344


async def test_a_malformed_value_beside_the_column_harms_nothing(source: Sources) -> None:
    async with raw_agent(rows(ber.integer(1)) | {f"{COLUMN[:-1]}4.1": b"\x02\x00"}) as agent:
        term = OidOptions(COLUMN, where=Row(oid=COLUMN))
        for version in ("1", "2c", "3"):
            assert (await source(agent.address, term, version=version).read()).watts == 2401


def _changed(dice: random.Random, packet: bytes) -> bytes:
    changed = bytearray(packet)
    for _ in range(dice.randint(1, 3)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _cut(dice: random.Random, packet: bytes) -> bytes:
    return packet[: dice.randrange(len(packet))]


def _lengthened(dice: random.Random, packet: bytes) -> bytes:
    at = dice.randrange(len(packet))
    return packet[:at] + dice.randbytes(dice.randint(1, 9)) + packet[at:]


def _other(dice: random.Random, packet: bytes) -> bytes:
    return dice.randbytes(len(packet))


@pytest.mark.parametrize("spoilt", [_changed, _cut, _lengthened, _other])
@versions
async def test_no_spoilt_answer_is_a_number_that_its_bytes_do_not_say(
    source: Sources, said: dict[str, str], spoilt: Callable[[random.Random, bytes], bytes]
) -> None:
    """Without a signature a changed digit is another true number: it is in the packet, as such."""
    dice = random.Random(161)
    sent = b""

    def fate(_kind: int, answer: bytes) -> bytes:
        nonlocal sent
        sent = spoilt(dice, answer)
        return sent

    async with raw_agent(rows(ber.integer(344))) as agent:
        reader = source(agent.address, FEEDS[2], timeout_s=0.02, retries=0, **said)
        agent.fate = fate
        for _ in range(150):
            try:
                watts = (await reader.read()).watts
            except ReadError:
                continue
            assert watts == 344 or (said["version"] != "3" and ber.integer(int(watts))[2:] in sent)
