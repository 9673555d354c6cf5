"""Numbers that agents send as text: which are read, which are refused, and that none takes long."""

import re
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.targets.snmp.text import MAX_PATTERN, WATTS, advice, number


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"344\0", 344),
        (b"344\0\0\0", 344),
        (b" 344.50\r\n", 344.5),
        (b"+12", 12),
        (b"-1", -1),
        (b".5", 0.5),
        (b"344.", 344),
        (b".", None),
        (b"1.2.3", None),
        (b"344.5 W", None),
        (b"1,234", None),
        (b"344\x0012", None),
        (b"", None),
        (b"\0", None),
        ("３４４".encode(), None),
        (b"3 44", None),
    ],
)
def test_a_text_without_a_unit_is_a_number_where_it_is_digits(
    sent: bytes, expected: float | None
) -> None:
    assert number(sent) == expected


@pytest.mark.parametrize(
    ("sent", "unit", "expected"),
    [
        (b"344.5 W", "W", 344.5),
        (b"344.5W\0", "W", 344.5),
        (b"344.5", "W", 344.5),
        (b"1,234 W", "W", 1234),
        (b"1,234,567.5 mW", "mW", 1234567.5),
        (b"0.35 kW", "kW", 0.35),
        (b".35 kW", "kW", 0.35),
        (b"344 kW", "W", None),
        (b"344 mW", "W", None),
        (b"344 w", "W", None),
        (b"12,5 W", "W", None),
        (b"0,234 W", "W", None),
        (b"1,23,456 W", "W", None),
        (b"344 W 12 W", "W", None),
        (b"W", "W", None),
    ],
)
def test_a_text_with_its_unit_is_a_number_where_the_document_says_so(
    sent: bytes, unit: str, expected: float | None
) -> None:
    assert number(sent, unit) == expected


@pytest.mark.parametrize(
    ("sent", "pattern", "expected"),
    [
        (b"Load: 344 VA", "Load: {value} VA", 344),
        (b"Load:  344\tVA\0", "Load: {value} VA", 344),
        (b"Load: 1,234.5VA", "Load:{value}VA", 1234.5),
        (b"(344)", "({value})", 344),
        (b"344", "{value}", 344),
        (b"Load: -344 VA", "Load: {value} VA", -344),
        (b"Load: 12 of 344 VA", "Load: {value} VA", None),
        (b"load: 344 VA", "Load: {value} VA", None),
        (b"aba", "ab{value}ba", None),
        (b"344", "344{value}344", None),
    ],
)
def test_a_pattern_is_the_text_around_the_number(
    sent: bytes, pattern: str, expected: float | None
) -> None:
    assert number(sent, pattern=pattern) == expected


@given(
    st.binary(max_size=400),
    st.none() | st.sampled_from(list(WATTS)),
    st.none() | st.builds("{}{{value}}{}".format, st.text(max_size=9), st.text(max_size=9)),
)
def test_any_bytes_are_a_number_or_nothing(
    sent: bytes, unit: str | None, pattern: str | None
) -> None:
    found = number(sent, unit, pattern)
    assert found is None or any(48 <= byte < 58 for byte in sent)


@pytest.mark.parametrize("sent", [b"1" * 65000, b"1,111" * 13000, b" " * 65000, b"1 W" * 20000])
def test_a_long_text_takes_no_time(sent: bytes) -> None:
    started_s = time.process_time()
    assert number(sent, "W", "{value}") is None
    assert time.process_time() - started_s < 0.1


_AROUND = st.text("abW:%-. /", max_size=10)


@given(_AROUND, st.integers(0, 99999), _AROUND, st.none() | st.sampled_from(sorted(WATTS)))
def test_the_advice_for_a_text_with_one_number_reads_that_number(
    before: str, watts: int, after: str, unit: str | None
) -> None:
    sent = f"{before} {watts} {after}".encode()
    if number(sent, unit) is None and (setting := _SETTING.search(advice(sent, unit))):
        value: str = yaml.safe_load(setting[2])
        chosen = {"unit": unit, "pattern": None, setting[1]: value}
        assert number(sent, **chosen) in (watts, -watts)
        assert len(value) <= MAX_PATTERN


@pytest.mark.parametrize("sent", [b"1.234,5", b"1.234,5 W", b"Load: 12,5", b"1.2.3", b"0,5 kW"])
def test_the_advice_for_a_number_that_no_setting_reads_names_none(sent: bytes) -> None:
    assert advice(sent).startswith("no setting of its oids entry reads")
    assert not _SETTING.search(advice(sent))


_SETTING = re.compile(r"`(unit|pattern): ([^`]*)`")


@given(st.binary(max_size=80), st.none() | st.sampled_from(sorted(WATTS)))
def test_any_text_of_an_agent_has_an_advice(sent: bytes, unit: str | None) -> None:
    assert "its oids entry" in advice(sent, unit)
