"""The simulator's Basic Encoding Rules: what pyasn1 reads too, or an error."""

from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import tag, univ

from rackwatt_exporter import ber

_MOST = 200


def examine(data: bytes) -> None:
    """Parse bytes down to the last element."""
    try:
        waiting = [ber.element(data)]
    except ber.BerError:
        return
    for _ in range(_MOST):
        if not waiting:
            return
        found = waiting.pop()
        assert 0 <= found.start <= found.end <= len(data)
        _hold_value(found)
        if found.tag & 0x20:
            try:
                waiting += found.children()
            except ber.BerError:
                continue


def _hold_value(found: ber.Element) -> None:
    if found.tag not in (ber.INTEGER, ber.OID):
        return
    is_integer = found.tag == ber.INTEGER
    try:
        value = found.integer if is_integer else found.oid
    except ber.BerError:
        return
    kind = univ.Integer() if is_integer else univ.ObjectIdentifier()
    assert kind.tagSet.baseTag.tagClass == tag.tagClassUniversal
    try:
        theirs, _ = decoder.decode(ber.encoded(found.tag, found.content), asn1Spec=kind)
    except PyAsn1Error:
        return  # stricter than we are: arcs that begin with zeros
    assert (int(theirs) if is_integer else tuple(theirs)) == value
