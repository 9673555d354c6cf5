"""The simulator's Basic Encoding Rules, beside pyasn1's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ

from rackwatt_exporter import ber

ARCS = st.tuples(
    st.tuples(st.integers(0, 1), st.integers(0, 39)) | st.tuples(st.just(2), st.integers(0, 9999)),
    st.lists(st.integers(0, 2**32 - 1), max_size=40),
).map(lambda parts: (*parts[0], *parts[1]))


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_are_written_and_read_as_by_pyasn1(value: int) -> None:
    written = ber.integer(value)
    # pyasn1 itself writes some negative numbers in a byte more than X.690, 8.3.2, allows.
    assert len(written) <= len(encoder.encode(univ.Integer(value)))
    assert int(decoder.decode(written)[0]) == value
    assert ber.element(written).integer == value


@given(st.binary(max_size=70_000))
def test_octets_of_any_length_come_back(value: bytes) -> None:
    assert ber.octets(value) == encoder.encode(univ.OctetString(value))
    assert ber.element(ber.octets(value)).octets == value


@given(ARCS)
def test_identifiers_are_written_and_read_as_by_pyasn1(arcs: tuple[int, ...]) -> None:
    written = ber.oid(arcs)
    assert tuple(decoder.decode(written)[0]) == arcs
    assert ber.element(written).oid == arcs


@given(st.lists(st.integers(-1000, 1000), max_size=20))
def test_sequences_hold_their_children(values: list[int]) -> None:
    written = ber.sequence(*map(ber.integer, values))
    assert [child.integer for child in ber.element(written).children()] == values


@given(st.binary(max_size=64))
def test_any_bytes_are_an_element_or_an_error(data: bytes) -> None:
    try:
        found = ber.element(data)
        found.children()
    except ber.BerError:
        return
    assert found.end <= len(data)


@given(st.binary(max_size=20))
def test_any_content_is_an_identifier_or_an_error(content: bytes) -> None:
    try:
        arcs = ber.element(ber.encoded(ber.OID, content)).oid
    except ber.BerError:
        return
    assert ber.element(ber.oid(arcs)).oid == arcs


@pytest.mark.parametrize(
    "data", [b"", b"\x02", b"\x02\x02\x01", b"\x02\x85\0\0\0\0\1\1", b"\x02\x80"]
)
def test_what_is_cut_short_is_an_error(data: bytes) -> None:
    with pytest.raises(ber.BerError):
        ber.element(data)
