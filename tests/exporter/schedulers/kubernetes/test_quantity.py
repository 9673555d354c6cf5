"""Quantities, against exact arithmetic with fractions."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.kubernetes.quantity import quantity
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT

SUFFIXES = {
    "": Fraction(1),
    **{letter: Fraction(1000) ** n for n, letter in enumerate("num", -3)},
    **{letter: Fraction(1000) ** n for n, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Fraction(1024) ** n for n, letter in enumerate("KMGTPE", 1)},
    **{f"e{n}": Fraction(10) ** n for n in (-9, -1, 0, 3, 12)},
    "E+2": Fraction(100),
}


@given(st.from_regex(r"\A[0-9]{1,9}(\.[0-9]{0,6})?\Z"), st.sampled_from(sorted(SUFFIXES)))
def test_a_quantity_is_its_number_times_its_suffix_rounded_up(number: str, suffix: str) -> None:
    exact = Fraction(number.rstrip(".")) * SUFFIXES[suffix]
    if exact * 1000 > MAX_COUNT:
        with pytest.raises(ValueError, match="more than a node can have"):
            quantity(number + suffix, 1000)
    else:
        assert quantity(number + suffix, 1000) == ceil(exact * 1000)


@given(st.text())
def test_any_other_text_is_an_error_and_no_number(text: str) -> None:
    try:
        count = quantity(text)
    except ValueError:
        return
    assert 0 <= count <= MAX_COUNT


@pytest.mark.parametrize("text", ["", ".", "m", "-1", "1 Gi", "1gi", "1e", "0x1", "1e999", "1Gi\n"])
def test_what_is_no_quantity_of_kubernetes_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity of Kubernetes"):
        quantity(text)
