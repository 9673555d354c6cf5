"""The time that an expression reads: more than the window of its graph.

Ranges, subqueries, `offset` and `@` reach elsewhere, and there a scheduler may have given the id of
a unit to another user. So a caller's units are those of the whole span.
"""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import promql_parser as promql

from rackwatt_accounting.guard.expression import children
from rackwatt_accounting.guard.refusal import GuardError, understood
from rackwatt_accounting.guard.selector import at_seconds, offset_of
from rackwatt_accounting.model.window import Window

_EARLIEST_S, _LATEST_S = 0.0, 2.0**36  # what no site has data of


class Times(NamedTuple):
    """The first and the last time at which an expression is evaluated, Unix times."""

    start_s: float
    end_s: float


def span(expression: promql.Expr, query: Times, lookback_s: float) -> Window:
    """Return the seconds of which an expression reads samples; empty where it reads none.

    Raises:
        GuardError: they are of no time that there can be data of.
    """
    with understood():
        read = list(_read(expression, query, query, lookback_s))
    if not read:
        return Window(math.floor(query.start_s), math.floor(query.start_s))
    start_s, end_s = min(one.start_s for one in read), max(one.end_s for one in read)
    if end_s > _LATEST_S or end_s < _EARLIEST_S or start_s < -_LATEST_S:
        raise GuardError("the expression reads a time that is out of range")
    return Window(max(0, math.floor(start_s)), math.floor(end_s) + 1)


def _read(node: promql.Expr, at: Times, query: Times, lookback_s: float) -> Iterator[Times]:
    """Yield what each selector reads where its expression is evaluated at some times."""
    match node:
        case promql.VectorSelector():
            moved = _moved(node, at, query)
            yield Times(moved.start_s - lookback_s, moved.end_s)
        case promql.MatrixSelector():
            moved = _moved(node.vector_selector, at, query)
            yield Times(moved.start_s - _seconds(node.range), moved.end_s)
        case promql.SubqueryExpr():
            moved = _moved(node, at, query)
            within = Times(moved.start_s - _seconds(node.range), moved.end_s)
            yield from _read(node.expr, within, query, lookback_s)
        case _:
            for child in children(node):
                yield from _read(child, at, query, lookback_s)


def _moved(node: promql.VectorSelector | promql.SubqueryExpr, at: Times, query: Times) -> Times:
    """Apply `@` and `offset`; `start()` and `end()` are those of the whole query."""
    at_s, offset_s = at_seconds(node), offset_of(node).total_seconds()
    if at_s is not None:
        fixed_s = {"start": query.start_s, "end": query.end_s}.get(str(at_s), at_s)
        at = Times(float(fixed_s), float(fixed_s))
    return Times(at.start_s - offset_s, at.end_s - offset_s)


def _seconds(range_of: timedelta | None) -> float:
    return range_of.total_seconds() if range_of is not None else 0.0
