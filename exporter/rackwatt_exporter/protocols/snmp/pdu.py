"""Requests to an agent and its responses, whichever version carries them (RFC 3416, section 3)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.value import Malformed, Value, decode_value, name

GET, GET_NEXT, RESPONSE, GET_BULK, REPORT = 0xA0, 0xA1, 0xA2, 0xA5, 0xA8
TOO_BIG, NO_SUCH_NAME, GEN_ERR, NO_ACCESS, AUTHORIZATION_ERROR = 1, 2, 5, 6, 16
_STATUS = """
    noError tooBig noSuchName badValue readOnly genErr noAccess wrongType wrongLength wrongEncoding
    wrongValue noCreation inconsistentValue resourceUnavailable commitFailed undoFailed
    authorizationError notWritable inconsistentName
""".split()  # noqa: SIM905 - as the RFC lists them
_ZERO = ber.integer(0)

VarBinds = list[tuple[str, Value | Malformed | None]]


class SnmpResponse(NamedTuple):
    """A response or a report: its status, and its variable bindings."""

    kind: int
    status: int
    failed: int  # index of the object that the status is about, from 1; 0 for none
    objects: VarBinds

    @property
    def words(self) -> str:
        """Name of the status."""
        known = 0 <= self.status < len(_STATUS)
        return _STATUS[self.status] if known else f"error {self.status}"


def request(kind: int, number: int, oids: Sequence[str], repetitions: int = 0) -> bytes:
    """Encode a request for objects, or for their successors."""
    middle = _ZERO + (ber.integer(repetitions) if repetitions else _ZERO)
    return ber.encoded(kind, ber.integer(number) + middle + _encode_objects(tuple(oids)))


def response(data: bytes, at: int, limit: int, number: int) -> SnmpResponse | None:
    """Decode the PDU at an offset; None for the response to another request.

    A report has the number of its message, not always that of a request (RFC 3412, 7.1).

    Raises:
        BerError: it is malformed; only a value may be.
    """
    kind, at, limit = ber.header(data, at, limit)
    if kind not in (RESPONSE, REPORT):
        raise ber.BerError(f"expected a response, found tag {kind:02x}h")
    theirs, at = read_integer(data, at, limit)
    if kind == RESPONSE and theirs != number:
        return None
    status, at = read_integer(data, at, limit)
    failed, at = read_integer(data, at, limit)
    at, end = ber.content(data, at, limit, ber.SEQUENCE)
    return SnmpResponse(kind, status, failed, _decode_objects(data, at, end))


def read_integer(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """Decode an INTEGER of the protocol itself; return it and the offset after it.

    Raises:
        BerError: it is malformed.
    """
    start, end = ber.content(data, at, limit, ber.INTEGER)
    if not 0 < end - start <= 4:
        raise ber.BerError(f"an integer of {end - start} bytes")
    return int.from_bytes(data[start:end], "big", signed=True), end


def _decode_objects(data: bytes, at: int, limit: int) -> VarBinds:
    objects: VarBinds = []
    while at < limit:
        start, at = ber.content(data, at, limit, ber.SEQUENCE)
        start, end = ber.content(data, start, at, ber.OID)
        oid = name(data[start:end])
        kind, start, end = ber.header(data, end, at)
        if end != at:
            raise ber.BerError(f"{oid} has more than one value")
        objects.append((oid, decode_value(kind, data[start:end])))
    return objects


@lru_cache(maxsize=4096)
def _encode_objects(oids: tuple[str, ...]) -> bytes:
    """Encode a request's list of objects; the agents of one document get the same."""
    names = (ber.oid(tuple(map(int, oid.split(".")))) for oid in oids)
    return ber.sequence(*(ber.sequence(each, b"\x05\x00") for each in names))
