"""Values as SNMP agents encode them (RFC 2578, section 7): each a value, or the error in it.

BER allows an encoder to pad, and many agents do: four bytes for every INTEGER. That is accepted.
What could be two numbers, or none, is no value: an INTEGER of no bytes is not zero.
"""

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from rackwatt_exporter import ber

Value = int | float | str | bytes


class Unmeasured(int):
    """A number of a type that only counts or keeps time: never a measurement."""


class Counter32(Unmeasured):
    """A counter of 32 bits."""


class Counter64(Unmeasured):
    """A counter of 64 bits."""


class TimeTicks(Unmeasured):
    """Hundredths of a second."""


class Malformed(NamedTuple):
    """Description of what is in place of a value."""

    words: str


_OPAQUE = 0x44
# draft-perkins-opaque-01, as net-snmp has it: a float inside the octets of an Opaque.
_FLOATS = {b"\x9f\x78\x04": ">f", b"\x9f\x79\x08": ">d"}


def decode_value(tag: int, content: bytes) -> Value | Malformed | None:
    """Decode a value by its tag; None where the agent reports that there is no such object."""
    kind = _KINDS.get(tag)
    if kind is None:
        return Malformed(f"a value of the unknown type {tag:02x}h")
    return kind(content)


@lru_cache(maxsize=16384)
def name(content: bytes) -> str:
    """Format an object identifier's content in dotted notation.

    Raises:
        BerError: it is malformed.
    """
    return ".".join(map(str, ber.arcs(content)))


def _integer(content: bytes) -> Value | Malformed:
    if 0 < len(content) <= 4:
        return int.from_bytes(content, "big", signed=True)
    return _wrong_length("INTEGER", content)


def _unsigned(
    kind: str, size: int, number: Callable[[int], int] = int
) -> Callable[[bytes], Value | Malformed]:
    def read(content: bytes) -> Value | Malformed:
        length = len(content)
        if not length or length > size + 1 or (length > size and content[0]):
            return _wrong_length(kind, content)
        if content[0] & 0x80 and length < size:
            # 200 whose writer forgot that the first bit is a sign, or a number below zero.
            return Malformed(f"a {kind} that is negative")
        return number(int.from_bytes(content, "big"))

    return read


def _address(content: bytes) -> Value | Malformed:
    if len(content) != 4:
        return _wrong_length("IpAddress", content)
    return ".".join(map(str, content))


def _name(content: bytes) -> Value | Malformed:
    try:
        return name(content)
    except ber.BerError as error:
        return Malformed(str(error))


def _opaque(content: bytes) -> Value | Malformed:
    form = _FLOATS.get(content[:3])
    if form is None or len(content) != 3 + content[2]:
        return Malformed("an Opaque that holds no float")
    number: float = struct.unpack(form, content[3:])[0]
    return number


def _wrong_length(kind: str, content: bytes) -> Malformed:
    article = "an" if kind[0] in "IU" else "a"
    return Malformed(f"{article} {kind} of {len(content) or 'no'} bytes")


def _nothing(_: bytes) -> None:
    """There is no such object (RFC 3416, section 3), or no value in it."""


_KINDS: dict[int, Callable[[bytes], Value | Malformed | None]] = {
    ber.INTEGER: _integer,
    ber.OCTETS: lambda content: content,
    ber.NULL: _nothing,
    ber.OID: _name,
    0x40: _address,
    ber.COUNTER: _unsigned("Counter32", 4, Counter32),
    ber.GAUGE: _unsigned("Gauge32", 4),
    ber.TIME_TICKS: _unsigned("TimeTicks", 4, TimeTicks),
    _OPAQUE: _opaque,
    0x46: _unsigned("Counter64", 8, Counter64),
    0x47: _unsigned("Unsigned32", 4),
    0x80: _nothing,
    0x81: _nothing,
    0x82: _nothing,
}
