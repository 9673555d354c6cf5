"""Codec of ASN.1's Basic Encoding Rules (X.690), as far as SNMP uses them (RFC 3417, 8)."""

from collections.abc import Iterator
from typing import NamedTuple

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
COUNTER, GAUGE, TIME_TICKS = 0x41, 0x42, 0x43

Oid = tuple[int, ...]
_MAX_ARCS = 128
_MAX_INTEGER_BYTES = 8


class BerError(ValueError):
    """The bytes are not valid BER, or not what was expected."""


class Element(NamedTuple):
    """A tagged value of a packet; its content is `data[start:end]`."""

    data: bytes
    tag: int
    start: int
    end: int

    @property
    def content(self) -> bytes:
        """Return the bytes of the content."""
        return self.data[self.start : self.end]

    def children(self, *tags: int) -> list["Element"]:
        """Return the elements inside, of exactly these tags where given; 0 is any tag.

        Raises:
            BerError: the tags or their number differ.
        """
        elements = list(_elements(self.data, self.start, self.end))
        if tags and len(elements) != len(tags):
            raise BerError(f"expected {len(tags)} elements, found {len(elements)}")
        for element, tag in zip(elements, tags, strict=False):
            element.expect(tag)
        return elements

    def expect(self, tag: int) -> "Element":
        """Return the element itself, if it has this tag.

        Raises:
            BerError: it has another tag.
        """
        if tag not in (0, self.tag):
            raise BerError(f"expected tag {tag:#x}, found {self.tag:#x}")
        return self

    @property
    def integer(self) -> int:
        """Read the content as a signed integer."""
        self.expect(INTEGER)
        if not 0 < self.end - self.start <= _MAX_INTEGER_BYTES:
            raise BerError("an integer with no byte or too many bytes")
        return int.from_bytes(self.content, "big", signed=True)

    @property
    def octets(self) -> bytes:
        """Read the content as an octet string."""
        return self.expect(OCTETS).content

    @property
    def oid(self) -> Oid:
        """Read the content as an object identifier."""
        return arcs(self.expect(OID).content)


def arcs(encoding: bytes) -> Oid:
    """Read the content of an object identifier.

    Raises:
        BerError: it is incomplete, or out of bounds.
    """
    if not encoding or encoding[-1] & 0x80:
        raise BerError("an incomplete object identifier")
    parts, arc = [], 0
    for byte in encoding:
        arc = arc << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(arc)
            arc = 0
    if len(parts) > _MAX_ARCS or max(parts) > 0xFFFFFFFF:
        raise BerError("an object identifier out of bounds (RFC 2578, 3.5)")
    first = min(parts[0] // 40, 2)
    return (first, parts[0] - 40 * first, *parts[1:])


def element(data: bytes, at: int = 0, limit: int | None = None) -> Element:
    """Decode the element at an offset.

    Raises:
        BerError: it is truncated, or its length has a form that SNMP does not use.
    """
    return Element(data, *header(data, at, len(data) if limit is None else limit))


def header(data: bytes, at: int, limit: int) -> tuple[int, int, int]:
    """Decode a tag and a length; return the tag, and the start and end of the content.

    Raises:
        BerError: as `element` does.
    """
    if at + 2 > limit:
        raise BerError("truncated")
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or start + size > limit:
            raise BerError("an unsupported form of length")
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    if start + length > limit:
        raise BerError("truncated")
    return tag, start, start + length


def content(data: bytes, at: int, limit: int, tag: int) -> tuple[int, int]:
    """Decode the header of an element with this tag; return the start and end of its content.

    Raises:
        BerError: the tag differs, or as `element` does.
    """
    start = at + 2
    if start <= limit and data[at] == tag:
        end = start + data[at + 1]
        if data[at + 1] < 0x80 and end <= limit:
            return start, end  # the usual case, without another call
    actual, start, end = header(data, at, limit)
    if actual != tag:
        raise BerError(f"expected tag {tag:#x}, found {actual:#x}")
    return start, end


def encoded(tag: int, value: bytes) -> bytes:
    """Encode an element."""
    length = len(value)
    if length < 0x80:
        return bytes((tag, length)) + value
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + value


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Encode a signed integer; with its tag, a counter, gauge or time."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return encoded(tag, value.to_bytes(size, "big", signed=True))


def octets(value: bytes) -> bytes:
    """Encode an octet string."""
    return encoded(OCTETS, value)


def oid(name: Oid) -> bytes:
    """Encode an object identifier of at least two arcs."""
    return encoded(OID, b"".join(map(_arc, (name[0] * 40 + name[1], *name[2:]))))


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Encode elements as one sequence."""
    return encoded(tag, b"".join(parts))


def _elements(data: bytes, at: int, limit: int) -> Iterator[Element]:
    while at < limit:
        child = element(data, at, limit)
        yield child
        at = child.end


def _arc(arc: int) -> bytes:
    low = bytes((arc & 0x7F,))
    while arc := arc >> 7:
        low = bytes((arc & 0x7F | 0x80,)) + low
    return low
