"""Values of SNMP, beside pyasn1's reading of the same bytes."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder
from pyasn1.type import univ

from rackwatt_exporter import ber
from rackwatt_exporter.protocols.snmp.value import Malformed, decode_value, name

UNSIGNED = {0x41: 4, 0x42: 4, 0x43: 4, 0x46: 8, 0x47: 4}


@given(st.integers(0, 255), st.binary(max_size=20))
def test_any_content_of_any_type_is_a_value_or_malformed_or_missing(
    tag: int, content: bytes
) -> None:
    value = decode_value(tag, content)
    assert value is None or isinstance(value, int | float | str | bytes | Malformed)
    assert (value is None) == (tag in (0x05, 0x80, 0x81, 0x82))


@given(st.binary(max_size=12))
def test_an_integer_is_what_pyasn1_reads_or_malformed(content: bytes) -> None:
    value = decode_value(ber.INTEGER, content)
    if not 1 <= len(content) <= 4:
        assert isinstance(value, Malformed)
    else:
        theirs, _ = decoder.decode(ber.encoded(ber.INTEGER, content), asn1Spec=univ.Integer())
        assert value == int(theirs)


@given(st.sampled_from(sorted(UNSIGNED)), st.binary(max_size=12))
def test_an_unsigned_number_is_the_only_number_that_its_bytes_can_mean(
    tag: int, content: bytes
) -> None:
    value, size = decode_value(tag, content), UNSIGNED[tag]
    if isinstance(value, Malformed):
        fits = 0 < len(content) < size or (len(content) == size + 1 and content[0] == 0)
        assert not fits or content[0] & 0x80
        return
    assert value == int.from_bytes(content, "big")
    assert isinstance(value, int)
    assert value < 2 ** (8 * size)


@pytest.mark.parametrize("tag", [ber.INTEGER, *UNSIGNED, 0x44, 0x40, ber.OID])
def test_no_bytes_are_no_value(tag: int) -> None:
    value = decode_value(tag, b"")
    assert isinstance(value, Malformed)


@given(st.floats(width=32), st.floats())
def test_an_opaque_float_is_its_number(single: float, double: float) -> None:
    for value, form, head in ((single, ">f", b"\x9f\x78\x04"), (double, ">d", b"\x9f\x79\x08")):
        found = decode_value(0x44, head + struct.pack(form, value))
        assert isinstance(found, float)
        assert found == value or math.isnan(value)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=20))
def test_a_name_is_written_as_people_write_it(arcs: list[int]) -> None:
    oid = (1, 3, *arcs)
    encoded = ber.oid(oid)
    assert name(ber.element(encoded).content) == ".".join(map(str, oid))


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        (0x02, "an INTEGER of no bytes"),
        (0x40, "an IpAddress of no bytes"),
        (0x41, "a Counter32 of no bytes"),
        (0x42, "a Gauge32 of no bytes"),
        (0x47, "an Unsigned32 of no bytes"),
    ],
)
def test_a_message_has_the_article_of_the_type(tag: int, message: str) -> None:
    assert decode_value(tag, b"") == Malformed(message)
