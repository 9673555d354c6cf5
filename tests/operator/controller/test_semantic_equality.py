"""Comparison of an object with its manifest, despite defaults and changes of the server."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_operator.controller.semantic_equality import contains

PLAIN: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(PLAIN)
def test_contains_is_reflexive(plain: Any) -> None:
    assert contains(plain, plain)


@given(
    st.dictionaries(st.text(max_size=3), PLAIN, max_size=4),
    st.dictionaries(st.text(max_size=3), PLAIN, max_size=4),
)
def test_contains_ignores_added_fields(desired: dict[str, Any], added: dict[str, Any]) -> None:
    assert contains(desired, added | desired)


@given(st.dictionaries(st.text(max_size=3), st.integers(), min_size=1), st.data())
def test_contains_detects_a_changed_or_missing_value(
    desired: dict[str, int], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(desired)))
    assert not contains(desired, desired | {key: desired[key] + 1})
    assert not contains(desired, {name: value for name, value in desired.items() if name != key})


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        ({"labels": {}}, {}),
        ({"egress": []}, {"egress": None}),
        ({"cpu": "0.5"}, {"cpu": "500m"}),
        ({"cpu": 1}, {"cpu": "1"}),
        ({"cpu": 0.1}, {"cpu": "100m"}),
        ({"memory": "1024Mi"}, {"memory": "1Gi"}),
        ({"memory": "1000k"}, {"memory": "1M"}),
        ([{"name": "a"}], [{"name": "a", "protocol": "TCP"}]),
    ],
)
def test_contains_accepts_defaults_and_normal_forms_of_the_server(desired: Any, live: Any) -> None:
    assert contains(desired, live)


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        ({"cpu": "1"}, {"cpu": "2"}),
        ({"memory": "1Gi"}, {"memory": "1G"}),
        ([1, 2], [1]),
        ([1], [1, 2]),
        ({"a": "1x"}, {"a": "1y"}),
        ({"a": True}, {"a": "True"}),
        ({"a": "x"}, {"a": None}),
        ({"a": {"b": 1}}, {"a": "b"}),
    ],
)
def test_contains_distinguishes_different_values(desired: Any, live: Any) -> None:
    assert not contains(desired, live)


@given(st.integers(1, 10**6), st.sampled_from(["m", "", "k", "Ki", "M", "Mi"]))
def test_contains_compares_quantities_by_value(number: int, unit: str) -> None:
    sizes = {"m": "0.001", "": "1", "k": "1000", "Ki": "1024", "M": "1000000", "Mi": "1048576"}
    milli = Decimal(number) * Decimal(sizes[unit]) * 1000
    assert contains(f"{number}{unit}", f"{milli:f}m".replace(".000m", "m"))
    assert not contains(f"{number}{unit}", f"{milli + 1:f}m".replace(".000m", "m"))
