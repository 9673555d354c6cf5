"""PDUs of a simulated agent, for all versions (RFC 3416)."""

from typing import NamedTuple

from rackwatt_exporter import ber
from rackwatt_exporter.simulator.snmp.tree import Tree

GET, GET_NEXT, RESPONSE, SET, GET_BULK, REPORT = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0xA8
V1 = 0
_NO_SUCH_NAME, _NOT_WRITABLE = 2, 17
_NO_SUCH_INSTANCE = ber.encoded(0x81, b"")
_END_OF_MIB_VIEW = ber.encoded(0x82, b"")
_NULL = ber.encoded(ber.NULL, b"")
_MAX_VARIABLES = 128


class SnmpRequest(NamedTuple):
    """A request: its kind, its number, two fields of GetBulk, and the requested objects."""

    kind: int
    number: int
    non_repeaters: int
    max_repetitions: int
    oids: list[ber.Oid]


Bindings = list[tuple[ber.Oid, bytes]]


def parse(pdu: ber.Element) -> SnmpRequest:
    """Parse a request.

    Raises:
        BerError: it is malformed.
    """
    if pdu.tag not in (GET, GET_NEXT, SET, GET_BULK):
        raise ber.BerError("no request")
    number, second, third, variables = pdu.children(
        ber.INTEGER, ber.INTEGER, ber.INTEGER, ber.SEQUENCE
    )
    oids = [variable.children(ber.OID, 0)[0].oid for variable in variables.children()]
    if len(oids) > _MAX_VARIABLES:
        raise ber.BerError("too many variables")
    if not -(2**31) <= number.integer < 2**31:
        raise ber.BerError("a request number out of range (RFC 3416, section 3)")
    return SnmpRequest(pdu.tag, number.integer, second.integer, third.integer, oids)


def answer(request: SnmpRequest, tree: Tree, version: int) -> bytes:
    """Encode the response to a request of a version (0: v1, 1: v2c, 3: v3)."""
    if request.kind == SET:
        status = _NO_SUCH_NAME if version == V1 else _NOT_WRITABLE
        return _failed(request, status, 1)
    if request.kind == GET_BULK:
        return response(request.number, _bulk(request, tree))
    bindings = [_object(request.kind, oid, tree) for oid in request.oids]
    if version == V1:
        for index, (_, value) in enumerate(bindings):
            if value in (_NO_SUCH_INSTANCE, _END_OF_MIB_VIEW):
                return _failed(request, _NO_SUCH_NAME, index + 1)
    return response(request.number, bindings)


def response(
    number: int, bindings: Bindings, status: int = 0, index: int = 0, kind: int = RESPONSE
) -> bytes:
    """Encode a response or a report."""
    variables = [ber.sequence(ber.oid(oid), value) for oid, value in bindings]
    head = map(ber.integer, (number, status, index))
    return ber.sequence(*head, ber.sequence(*variables), tag=kind)


def _failed(request: SnmpRequest, status: int, index: int) -> bytes:
    return response(request.number, [(oid, _NULL) for oid in request.oids], status, index)


def _object(kind: int, oid: ber.Oid, tree: Tree) -> tuple[ber.Oid, bytes]:
    if kind == GET:
        return oid, tree.get(oid) or _NO_SUCH_INSTANCE
    return tree.after(oid) or (oid, _END_OF_MIB_VIEW)


def _bulk(request: SnmpRequest, tree: Tree) -> Bindings:
    """Return the objects of GetBulk (RFC 3416, 4.2.3): some once, the others row by row."""
    once = max(0, min(request.non_repeaters, len(request.oids)))
    bindings = [_object(GET_NEXT, oid, tree) for oid in request.oids[:once]]
    row = request.oids[once:]
    for _ in range(max(0, request.max_repetitions)):
        if not row or len(bindings) + len(row) > _MAX_VARIABLES:
            break
        next_row = [_object(GET_NEXT, oid, tree) for oid in row]
        bindings += next_row
        row = [oid for oid, _ in next_row]
        if all(value is _END_OF_MIB_VIEW for _, value in next_row):
            break
    return bindings
