"""Values into watts: what is believed, what is refused, and that nothing else can happen."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.bmc.snmp import Row
from rackwatt_exporter.config.options import OidOptions
from rackwatt_exporter.plausibility import SNMP_NO_VALUE
from rackwatt_exporter.protocols.snmp.value import Value, decode_value
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.snmp.values import (
    ObjectRef,
    cells,
    each_once,
    is_numeric,
    layout_changed,
    oids_to_get,
    plain,
    present,
    watts,
)

VALUES = st.one_of(st.integers(), st.floats(), st.text(), st.binary())


def one(value: int | float | str | bytes, scale: float = 1.0) -> float:
    return watts([ObjectRef("1.3.1", OidOptions("1.3.1", scale))], {"1.3.1": value})


@given(st.integers(0, 2**64).filter(lambda n: n not in SNMP_NO_VALUE), st.floats(0.001, 1000))
def test_an_integer_is_scaled(value: int, scale: float) -> None:
    assert one(value, scale) == value * scale


@pytest.mark.parametrize(
    "again",
    [OidOptions("1.3.1", 10), OidOptions("1.3.1", 0.01, "kW"), OidOptions("1.3.1", 10, "W")],
)
def test_an_object_that_two_entries_read_alike_counts_once(again: OidOptions) -> None:
    found = [ObjectRef("1.3.1", OidOptions("1.3.1", 10)), ObjectRef("1.3.1", again)]
    assert watts(each_once(found), {"1.3.1": 15}) == 150
    other = ObjectRef("1.3.2", again)
    assert each_once([*found, other]) == [found[0], other]


@pytest.mark.parametrize(
    "other",
    [
        ObjectRef("1.3.1", OidOptions("1.3.1", 1)),
        ObjectRef("1.3.1", OidOptions("1.3.1", 10, pattern="{value} VA")),
        ObjectRef("1.3.1", OidOptions("1.3.1", 10), digits_oid="1.3.2"),
    ],
)
def test_an_object_that_two_entries_read_differently_is_an_invalid_entry(other: ObjectRef) -> None:
    with pytest.raises(ReadError, match=r"two entries of oids name 1\.3\.1,") as caught:
        each_once([ObjectRef("1.3.1", OidOptions("1.3.1", 10)), other])
    assert caught.value.reason is Reason.INVALID_ENTRY


@given(st.decimals(0, 10**9, places=3))
def test_a_decimal_text_is_its_number(value: object) -> None:
    assert one(f" {value}\n".encode()) == float(str(value))


@given(VALUES)
def test_any_value_is_a_finite_number_of_watts_or_an_error_with_a_reason(
    value: int | float | str | bytes,
) -> None:
    try:
        found = one(value)
    except ReadError as error:
        assert error.reason in (
            Reason.BAD_REPLY,
            Reason.SENSOR_UNREADABLE,
            Reason.NO_POWER_SENSOR,
        )
    else:
        assert math.isfinite(found)
        assert found >= 0


@pytest.mark.parametrize("value", [b"12 W", b"0x12", b"1e3", b"1_0", math.inf, math.nan])
def test_what_only_looks_like_a_number_is_none(value: float | bytes) -> None:
    with pytest.raises(ReadError) as caught:
        one(value)
    assert caught.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize("tag", [0x41, 0x43, 0x46, 0x40, 0x06])
def test_an_object_whose_type_measures_nothing_is_no_watts_whatever_its_value(tag: int) -> None:
    """Counter32, TimeTicks, Counter64, IpAddress and OBJECT IDENTIFIER (RFC 2578, section 7.1)."""
    value = decode_value(tag, b"\0\0\1\x58")
    assert isinstance(value, int | str)
    for each in (ObjectRef("1.3.1", OidOptions("1.3.1", unit="W")), DIGITS):
        with pytest.raises(ReadError) as caught:
            watts([each], {"1.3.1": value, "1.3.2": 344})
        assert caught.value.reason is Reason.NO_POWER_SENSOR
        assert str(caught.value).startswith("1.3.1 is ")
        assert "Gauge32" in (caught.value.remedy or "")


DIGITS = ObjectRef("1.3.2", OidOptions("1.3.2"), digits_oid="1.3.1")


@pytest.mark.parametrize("tag", [0x02, 0x42, 0x47])
def test_an_object_whose_type_measures_is_its_watts(tag: int) -> None:
    value = decode_value(tag, b"\1\x58")
    assert isinstance(value, int)
    assert one(value) == 344


@pytest.mark.parametrize("value", [b"", b"\0", b"N/A", b"n/a\r\n", b"--", b"NaN", b"Not Available"])
@pytest.mark.parametrize(
    "term",
    [OidOptions("1.3.1"), OidOptions("1.3.1", unit="W"), OidOptions("1.3.1", pattern="{value} VA")],
)
def test_a_text_that_says_no_measurement_is_unreadable_whatever_the_settings(
    value: bytes, term: OidOptions
) -> None:
    with pytest.raises(ReadError, match="reports that it has no measurement") as caught:
        watts([ObjectRef("1.3.1", term)], {"1.3.1": value})
    assert caught.value.reason is Reason.SENSOR_UNREADABLE


@pytest.mark.parametrize(
    ("sent", "term", "words"),
    [
        (b"3.4 kW", OidOptions("1.3.1"), "set `unit: kW` in its oids entry"),
        (b"3.4 kW", OidOptions("1.3.1", unit="W"), "set `unit: kW` in its oids entry"),
        (b"344 Watts", OidOptions("1.3.1", unit="W"), 'set `pattern: "{value} Watts"` in its'),
        (b"344 Watts", OidOptions("1.3.1"), 'set `pattern: "{value} Watts"` in its'),
        (b"Load: 12 VA", OidOptions("1.3.1", pattern="Load {value}"), '"Load: {value} VA"'),
        (b"Load: 1,2 VA", OidOptions("1.3.1", pattern="Load {value}"), "`1234.5` are read"),
        (b"PSU 2: 344 W", OidOptions("1.3.1"), "has to be this text, with {value} for"),
        (b"booting", OidOptions("1.3.1"), "has to be this text, with {value} for"),
    ],
)
def test_text_that_is_no_number_names_the_setting_that_reads_it(
    sent: bytes, term: OidOptions, words: str
) -> None:
    with pytest.raises(ReadError) as caught:
        watts([ObjectRef("1.3.1", term)], {"1.3.1": sent})
    assert caught.value.reason is Reason.BAD_REPLY
    assert words in str(caught.value)
    assert "`pattern`" in (caught.value.remedy or "")


@given(st.integers(0, 10**6), st.integers(-2, 25))
def test_decimal_digits_divide_by_powers_of_ten(value: int, digits: int) -> None:
    cell = ObjectRef("1.3.1", OidOptions("1.3.1"), "1.3.2")
    values = {"1.3.1": value, "1.3.2": digits}
    if 0 <= digits <= 18:
        assert watts([cell], values) == value / 10**digits
    else:
        with pytest.raises(ReadError) as caught:
            watts([cell], values)
        assert caught.value.reason is Reason.BAD_REPLY


def test_a_sum_that_is_no_number_is_refused() -> None:
    with pytest.raises(ReadError) as caught:
        one(1, math.inf)
    assert caught.value.reason is Reason.BAD_REPLY


def test_rows_are_those_whose_column_says_so() -> None:
    term = OidOptions("1.5", digits_oid="1.6", where=Row(oid="1.8", equals="26"))
    found = cells(term, {"1.8.1.2": 25, "1.8.1.3": 26, "1.8.1.9": b"26\0"})
    assert [cell.oid for cell in found] == ["1.5.1.3", "1.5.1.9"]
    assert oids_to_get(found[:1]) == ["1.5.1.3", "1.6.1.3", "1.8.1.3"]


@pytest.mark.parametrize("value", [*SNMP_NO_VALUE, -1, b"-1", b"2147483647"])
@pytest.mark.parametrize("scale", [0.1, 10])
def test_a_value_that_says_no_measurement_is_unreadable_before_it_is_scaled(
    value: int | bytes, scale: float
) -> None:
    with pytest.raises(ReadError) as caught:
        one(value, scale)
    assert caught.value.reason is Reason.SENSOR_UNREADABLE


def test_a_unit_and_a_scale_multiply() -> None:
    term = OidOptions("1.3.1", scale=0.01, unit="kW")
    assert watts([ObjectRef("1.3.1", term)], {"1.3.1": 42}) == 420
    text = OidOptions("1.3.1", unit="kW", pattern="Load {value}")
    assert watts([ObjectRef("1.3.1", text)], {"1.3.1": b"Load 1.25 kW"}) == 1250


def test_rows_found_by_a_text_are_counted_and_others_known_by_their_object() -> None:
    by_text = cells(
        OidOptions("1.5", where=Row(oid="1.8", equals="a")), {"1.8.1": b"a", "1.8.7": b"a"}
    )
    every = cells(OidOptions("1.5", where=Row(oid="1.8")), {"1.8.1": b"a", "1.8.7": b"b"})
    values: dict[str, Value] = {"1.5.1": 1, "1.5.7": 2, "1.8.1": b"a", "1.8.7": b"a"}
    assert present(by_text, values) == ["1.5 of 'a' (1)", "1.5 of 'a' (2)"]
    assert present(every, values) == ["1.5.1", "1.5.7"]
    assert present(every, {"1.5.7": 2}) == ["1.5.7"]


def test_a_cell_has_moved_when_its_mark_or_its_value_is_another() -> None:
    cell = ObjectRef("1.5.3", OidOptions("1.5"), None, "1.8.3", "System", "system")
    assert not layout_changed([cell], {"1.5.3": 1, "1.8.3": b"System"})
    assert layout_changed([cell], {"1.5.3": 1, "1.8.3": b"PS1"})
    assert layout_changed([cell], {"1.5.3": 1})
    assert layout_changed([cell], {"1.8.3": b"System"})


def test_a_cell_whose_mark_is_another_never_counts() -> None:
    cell = ObjectRef("1.5.3", OidOptions("1.5"), None, "1.8.3", "System", "system")
    with pytest.raises(ReadError) as caught:
        watts([cell], {"1.5.3": 1, "1.8.3": b"PS1"})
    assert caught.value.reason is Reason.NO_POWER_SENSOR


@given(st.lists(st.integers(0, 2**33), min_size=2, max_size=20), st.sampled_from(["", "."]))
def test_identifiers_are_written_plainly_or_refused(arcs: list[int], dot: str) -> None:
    text = dot + ".".join(map(str, arcs))
    assert is_numeric(text)
    possible = max(arcs) < 2**32 and (arcs[0] == 2 or (arcs[0] < 2 and arcs[1] < 40))
    if possible:
        assert plain(text) == text.lstrip(".")
    else:
        with pytest.raises(ReadError):
            plain(text)


@pytest.mark.parametrize("name", ["SNMPv2-SMI::enterprises.318", "IF-MIB::ifInOctets.1"])
def test_symbolic_names_are_not_numeric(name: str) -> None:
    assert not is_numeric(name)


@pytest.mark.parametrize("value", [10**400, 1])
def test_values_too_large_to_add_up_are_a_bad_reply(value: int) -> None:
    each = [ObjectRef(oid, OidOptions(oid, 1.7e308)) for oid in ("1.3.1", "1.3.2")]
    with pytest.raises(ReadError) as caught:
        watts(each, {"1.3.1": value, "1.3.2": value})
    assert caught.value.reason is Reason.BAD_REPLY
