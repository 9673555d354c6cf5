"""The little of ASN.1's Basic Encoding Rules (X.690) that SNMP uses (RFC 3417, section 8)."""

from collections.abc import Iterator
from typing import NamedTuple

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
COUNTER, GAUGE, TIME_TICKS = 0x41, 0x42, 0x43

Oid = tuple[int, ...]
_MOST_ARCS = 128
_LONGEST_INTEGER = 8


class BerError(ValueError):
    """The bytes are not what they should be."""


class Element(NamedTuple):
    """One tagged value of a packet: `data[start:end]` is its content."""

    data: bytes
    tag: int
    start: int
    end: int

    @property
    def content(self) -> bytes:
        """Give the content's bytes."""
        return self.data[self.start : self.end]

    def children(self, *tags: int) -> list["Element"]:
        """List the elements inside, of exactly these tags (0 stands for any) where tags are given.

        Raises:
            BerError: they are others, fewer or more.
        """
        found = list(_elements(self.data, self.start, self.end))
        if tags and len(found) != len(tags):
            raise BerError(f"expected {len(tags)} elements, found {len(found)}")
        for element, tag in zip(found, tags, strict=False):
            element.expect(tag)
        return found

    def expect(self, tag: int) -> "Element":
        """Give itself, if it bears this tag.

        Raises:
            BerError: it bears another.
        """
        if tag not in (0, self.tag):
            raise BerError(f"expected tag {tag:#x}, found {self.tag:#x}")
        return self

    @property
    def integer(self) -> int:
        """Read the content as a signed integer."""
        self.expect(INTEGER)
        if not 0 < self.end - self.start <= _LONGEST_INTEGER:
            raise BerError("an integer of no or too many bytes")
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
        BerError: it does not end, or is out of bounds.
    """
    if not encoding or encoding[-1] & 0x80:
        raise BerError("an object identifier that does not end")
    found, arc = [], 0
    for byte in encoding:
        arc = arc << 7 | byte & 0x7F
        if not byte & 0x80:
            found.append(arc)
            arc = 0
    if len(found) > _MOST_ARCS or max(found) > 0xFFFFFFFF:
        raise BerError("an object identifier out of bounds (RFC 2578, 3.5)")
    first = min(found[0] // 40, 2)
    return (first, found[0] - 40 * first, *found[1:])


def element(data: bytes, at: int = 0, limit: int | None = None) -> Element:
    """Read the element that begins at a place.

    Raises:
        BerError: it is cut short, or its length is of a form that SNMP does not use.
    """
    return Element(data, *header(data, at, len(data) if limit is None else limit))


def header(data: bytes, at: int, limit: int) -> tuple[int, int, int]:
    """Read a tag and a length: gives the tag, and where the content begins and ends.

    Raises:
        BerError: as `element` does.
    """
    if at + 2 > limit:
        raise BerError("cut short")
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or start + size > limit:
            raise BerError("a length of a strange form")
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    if start + length > limit:
        raise BerError("cut short")
    return tag, start, start + length


def content(data: bytes, at: int, limit: int, tag: int) -> tuple[int, int]:
    """Read the header of an element of one tag: gives where its content begins and ends.

    Raises:
        BerError: it is another's, or as `element` does.
    """
    start = at + 2
    if start <= limit and data[at] == tag:
        end = start + data[at + 1]
        if data[at + 1] < 0x80 and end <= limit:
            return start, end  # nearly always: a call fewer for each element of a packet
    found, start, end = header(data, at, limit)
    if found != tag:
        raise BerError(f"expected tag {tag:#x}, found {found:#x}")
    return start, end


def encoded(tag: int, value: bytes) -> bytes:
    """Write an element."""
    length = len(value)
    if length < 0x80:
        return bytes((tag, length)) + value
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + value


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Write a signed integer; a counter, gauge or time by its tag."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return encoded(tag, value.to_bytes(size, "big", signed=True))


def octets(value: bytes) -> bytes:
    """Write an octet string."""
    return encoded(OCTETS, value)


def oid(name: Oid) -> bytes:
    """Write an object identifier of at least two arcs."""
    return encoded(OID, b"".join(map(_arc, (name[0] * 40 + name[1], *name[2:]))))


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Write elements into one."""
    return encoded(tag, b"".join(parts))


def _elements(data: bytes, at: int, limit: int) -> Iterator[Element]:
    while at < limit:
        found = element(data, at, limit)
        yield found
        at = found.end


def _arc(arc: int) -> bytes:
    low = bytes((arc & 0x7F,))
    while arc := arc >> 7:
        low = bytes((arc & 0x7F | 0x80,)) + low
    return low
