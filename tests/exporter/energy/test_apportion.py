import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.energy.apportion import apportion

WEIGHTS = st.dictionaries(st.text(max_size=3), st.integers(0, 2**63), min_size=1).filter(
    lambda weights: any(weights.values())
)


@given(st.integers(0, 2**62), WEIGHTS)
def test_apportion_gives_parts_that_add_up_and_are_within_one_of_the_exact_share(
    amount: int, weights: dict[str, int]
) -> None:
    parts = apportion(amount, weights)
    assert sum(parts.values()) == amount
    total = sum(weights.values())
    for key, part in parts.items():
        assert abs(part * total - amount * weights[key]) < total


def test_apportion_gives_the_rest_to_the_largest_remainders() -> None:
    assert apportion(10, {"a": 1, "b": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert apportion(1, {"a": 1, "b": 3}) == {"a": 0, "b": 1}


def test_apportion_refuses_to_divide_by_nothing() -> None:
    with pytest.raises(ValueError, match="no weight is above 0"):
        apportion(5, {"a": 0})
