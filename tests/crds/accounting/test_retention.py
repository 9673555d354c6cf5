import pytest

from rackwatt_crds.accounting.retention import Retention, days
from rackwatt_crds.decoding import decode


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90d", 90), ("8w", 56), ("1y", 365), ("99999d", 99999), ("999y", 364635)],
)
def test_a_period_is_days_of_weeks_of_seven_and_years_of_365(text: str, expected: int) -> None:
    assert decode({"daily": text, "units": "1d"}, Retention)[1] == []
    assert days(text) == expected


@pytest.mark.parametrize("text", ["", "0d", "1", "1m", "1h", "-1y", "1.5y", "1y6w", "1000y", "１y"])
def test_a_period_of_another_kind_is_a_problem_with_its_path(text: str) -> None:
    _, problems = decode({"units": text}, Retention)
    assert [problem.path for problem in problems] == ["units"]
