"""Amounts of resources: what is listed with its types and without counts once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.resources import Gres, Resources, distinct_gres


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([("gpu", "", 2), ("gpu", "h100", 2)], (Gres("gpu", 2, "h100"),)),
        ([("gpu", "", 3), ("gpu", "h100", 2)], (Gres("gpu", 1), Gres("gpu", 2, "h100"))),
        ([("gpu", "", 2)], (Gres("gpu", 2),)),
        (
            [("gpu", "tesla", 2), ("gpu", "kepler", 2)],
            (Gres("gpu", 2, "kepler"), Gres("gpu", 2, "tesla")),
        ),
        ([("gpu", "h100", 1), ("gpu", "h100", 2)], (Gres("gpu", 3, "h100"),)),
        ([("gpu", "", 0), ("gpu", "h100", 0)], ()),
        ([], ()),
    ],
)
def test_generic_resources_listed_twice_count_once(
    listed: list[tuple[str, str, int]], expected: tuple[Gres, ...]
) -> None:
    assert distinct_gres(listed) == expected


@given(st.lists(st.tuples(st.just("gpu"), st.sampled_from(["", "a", "b"]), st.integers(0, 9))))
def test_generic_resources_never_add_up_to_more_than_the_larger_listing(
    listed: list[tuple[str, str, int]],
) -> None:
    plain = sum(count for _, kind, count in listed if not kind)
    typed = sum(count for _, kind, count in listed if kind)
    assert Resources(gres=distinct_gres(listed)).count("gpu") == max(plain, typed)


def test_resources_that_were_not_reported_have_no_count() -> None:
    assert Resources(cpus=8).count("gpu") is None
    assert Resources(gres=()).count("gpu") == 0
    assert Resources(gres=(Gres("shard", 4), Gres("gpu", 1, "a"), Gres("gpu", 2))).count("gpu") == 3
