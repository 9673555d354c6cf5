"""Requests to an agent and its responses, whichever version carries them (RFC 3416, section 3)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.value import Malformed, Value, decoded, name

GET, GET_NEXT, RESPONSE, GET_BULK, REPORT = 0xA0, 0xA1, 0xA2, 0xA5, 0xA8
TOO_BIG, NO_SUCH_NAME, GEN_ERR, NO_ACCESS, AUTHORIZATION_ERROR = 1, 2, 5, 6, 16
_STATUS = """
    noError tooBig noSuchName badValue readOnly genErr noAccess wrongType wrongLength wrongEncoding
    wrongValue noCreation inconsistentValue resourceUnavailable commitFailed undoFailed
    authorizationError notWritable inconsistentName
""".split()  # noqa: SIM905 - as the RFC lists them
_ZERO = ber.integer(0)

Found = list[tuple[str, Value | Malformed | None]]


class SnmpResponse(NamedTuple):
    """A response or a report: what it says of the request, and the objects that it shows."""

    kind: int
    status: int
    failed: int  # the place of the object that the status is about, from 1; 0 for none
    objects: Found

    @property
    def words(self) -> str:
        """Name the status."""
        known = 0 <= self.status < len(_STATUS)
        return _STATUS[self.status] if known else f"error {self.status}"


def request(kind: int, number: int, oids: Sequence[str], repetitions: int = 0) -> bytes:
    """Write a request for objects, or for what follows them."""
    middle = _ZERO + (ber.integer(repetitions) if repetitions else _ZERO)
    return ber.encoded(kind, ber.integer(number) + middle + _objects(tuple(oids)))


def response(data: bytes, at: int, limit: int, number: int) -> SnmpResponse | None:
    """Read the PDU at a place; None for the response to another request.

    A report has the number of its message, not always that of a request (RFC 3412, 7.1).

    Raises:
        BerError: it is none, down to the last object; a value alone may be malformed.
    """
    kind, at, limit = ber.header(data, at, limit)
    if kind not in (RESPONSE, REPORT):
        raise ber.BerError(f"expected a response, found tag {kind:02x}h")
    theirs, at = whole(data, at, limit)
    if kind == RESPONSE and theirs != number:
        return None
    status, at = whole(data, at, limit)
    failed, at = whole(data, at, limit)
    at, end = ber.content(data, at, limit, ber.SEQUENCE)
    return SnmpResponse(kind, status, failed, _found(data, at, end))


def whole(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """Read an INTEGER of the protocol's own; gives what follows it, too.

    Raises:
        BerError: it is none.
    """
    start, end = ber.content(data, at, limit, ber.INTEGER)
    if not 0 < end - start <= 4:
        raise ber.BerError(f"an integer of {end - start} bytes")
    return int.from_bytes(data[start:end], "big", signed=True), end


def _found(data: bytes, at: int, limit: int) -> Found:
    found: Found = []
    while at < limit:
        start, at = ber.content(data, at, limit, ber.SEQUENCE)
        start, end = ber.content(data, start, at, ber.OID)
        oid = name(data[start:end])
        kind, start, end = ber.header(data, end, at)
        if end != at:
            raise ber.BerError(f"{oid} has more than a value")
        found.append((oid, decoded(kind, data[start:end])))
    return found


@lru_cache(maxsize=4096)
def _objects(oids: tuple[str, ...]) -> bytes:
    """Write a request's list of objects; the agents of one document are polled for the same."""
    names = (ber.oid(tuple(map(int, oid.split(".")))) for oid in oids)
    return ber.sequence(*(ber.sequence(each, b"\x05\x00") for each in names))
