"""The time that an expression reads, worked out by hand."""

import pytest

from rackwatt_accounting.guard.expression import Expression
from rackwatt_accounting.guard.refusal import GuardError
from rackwatt_accounting.guard.span import Times, span

QUERY = Times(100_000.0, 110_000.0)


@pytest.mark.parametrize(
    ("text", "from_s", "to_s"),
    [
        ("x", 99_700, 110_001),
        ("x offset 1h", 96_100, 106_401),
        ("x offset -1h", 103_300, 113_601),
        ("rate(x[10m])", 99_400, 110_001),
        ("rate(x[10m] offset 1h)", 95_800, 106_401),
        ("x @ 5000", 4_700, 5_001),
        ("x @ 5000.5 offset 1000s", 3_700, 4_001),
        ("x @ start()", 99_700, 100_001),
        ("rate(x[10m] @ end())", 109_400, 110_001),
        ("max_over_time(x[1h:1m])", 96_100, 110_001),
        ("max_over_time(rate(x[10m])[1h:1m] offset 1h)", 92_200, 106_401),
        ("max_over_time(x[1h:1m] @ start())", 96_100, 100_001),
        # `start()` is that of the query, within a subquery as well.
        ("max_over_time(x[1h:1m] @ 5000) + max_over_time((x @ start())[1h:])", 1_100, 100_001),
        ("x + y offset 1d", 13_300, 110_001),
        ("topk(scalar(x offset 1d), y)", 13_300, 110_001),
        ("last_over_time(x[30y])", 0, 110_001),
    ],
)
def test_the_span_of_an_expression_is_all_that_it_reads(text: str, from_s: int, to_s: int) -> None:
    assert span(Expression(text).root, QUERY, 300.0) == (from_s, to_s)


def test_the_span_of_an_expression_without_series_is_empty() -> None:
    assert span(Expression("vector(time())").root, QUERY, 300.0).seconds == 0


@pytest.mark.parametrize(
    "text",
    ["x offset 99999y", "x @ 9e10", "x[99999999y]", "x @ 1000 offset 2000s", "x offset -9999y"],
)
def test_an_expression_of_a_time_without_data_is_refused(text: str) -> None:
    with pytest.raises(GuardError):
        span(Expression(text).root, QUERY, 300.0)
