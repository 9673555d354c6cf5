"""Tariffs of one name follow one another; others are valid side by side."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.accounting.accounting import Accounting
from rackwatt_crds.decoding import decode

DAYS = st.dates().map(str)


def tariff(name: str, start: str, end: str | None) -> dict[str, Any]:
    return {"name": name, "from": start, "to": end, "currency": "EUR", "perCoreHour": 1}


def problems(*tariffs: dict[str, Any]) -> list[str]:
    return [problem.path for problem in decode({"tariffs": list(tariffs)}, Accounting)[1]]


def test_a_tariff_starts_on_the_day_on_which_the_one_before_is_no_longer_valid() -> None:
    follows = tariff("site", "2026-01-01", None)
    assert problems(follows, tariff("site", "2025-01-01", "2026-01-01")) == []
    assert problems(tariff("site", "2025-01-01", "2026-01-02"), follows) == ["tariffs"]


def test_tariffs_of_two_names_are_valid_side_by_side() -> None:
    assert problems(tariff("site", "2025-01-01", None), tariff("guests", "2025-01-01", None)) == []


@given(st.lists(DAYS, min_size=2, unique=True, max_size=6))
def test_tariffs_meet_where_a_day_is_in_both(days: list[str]) -> None:
    first, *later = sorted(days)
    chain = [
        tariff("a", start, end) for start, end in zip([first, *later], [*later, None], strict=True)
    ]
    assert problems(*chain) == []
    assert problems(*chain, tariff("a", first, later[0])) == ["tariffs"]
    assert problems(tariff("a", first, None), chain[-1]) == ["tariffs"]


def test_a_problem_names_the_two_that_meet() -> None:
    one = tariff("site", "2025-01-01", None)
    (problem,) = decode({"tariffs": [tariff("a", "2025-01-01", None), one, one]}, Accounting)[1]
    assert problem.reason.endswith("found items 1 and 2 of site")
