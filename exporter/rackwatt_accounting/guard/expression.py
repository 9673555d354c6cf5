"""Expressions of PromQL: parsed, enforced on every selector, printed, and read back.

Only nodes, functions and aggregations of closed lists are passed on: `info` would fetch series that
no selector of the expression names. The text that is sent is printed from the tree and parsed once
more: it has to give the same tree, and each of its selectors has to have the matchers.

https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from collections.abc import Iterator, Sequence

import promql_parser as promql

from rackwatt_accounting.guard.families import Families
from rackwatt_accounting.guard.refusal import GuardError, understood
from rackwatt_accounting.guard.selector import (
    Match,
    alternatives_of,
    enforced,
    literal_ids,
    required_by,
)

_UNSAFE = "the expression cannot be written safely"
MAX_TEXT = 16 * 1024
MAX_SENT = 128 * 1024
# The parser is written with recursion, and has the stack of a thread: at some thousand levels the
# process would end. The time of its `transform` and `repr` grows with the cube of the levels: at 80
# it is 0.1 s. Each level takes one of these, outside of strings and braces.
_MAX_LEVELS = 80
_LEVEL = re.compile(r"[(\[+\-*/%^]|[<>=!]=?|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_NOT_CODE = re.compile(r"#[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`", re.DOTALL)
_BRACES = re.compile(r"\{[^{}]*\}")

_AGGREGATIONS = """
sum min max avg count stddev stdvar topk bottomk count_values quantile group limitk limit_ratio
"""
_FUNCTIONS = """
abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp
clamp_max clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg
delta deriv double_exponential_smoothing exp floor histogram_avg histogram_count histogram_fraction
histogram_quantile histogram_stddev histogram_stdvar histogram_sum hour idelta increase irate
label_join label_replace last_over_time ln log10 log2 mad_over_time max_over_time min_over_time
minute month pi predict_linear present_over_time quantile_over_time rad rate resets round scalar sgn
sin sinh sort sort_desc sort_by_label sort_by_label_desc sqrt stddev_over_time stdvar_over_time
sum_over_time tan tanh time timestamp vector year
"""
AGGREGATIONS, FUNCTIONS = frozenset(_AGGREGATIONS.split()), frozenset(_FUNCTIONS.split())


class Expression:
    """A parsed expression that holds nothing unknown."""

    def __init__(self, text: str) -> None:
        """Parse a text; raises GuardError for what is refused, with the reason."""
        self.root = parse(text)
        with understood():
            self._read()

    def _read(self) -> None:
        self.selectors = [
            node for node in nodes(self.root) if isinstance(node, promql.VectorSelector)
        ]
        # The parser's own account of the tree: a selector where `nodes` does not look is none of
        # those that are enforced. A label's value may say the same, and is refused with it.
        if repr(self.root).count("VectorSelector {") != len(self.selectors):
            raise GuardError("this expression has a selector where none is understood")

    def ids(self, families: Sequence[Families]) -> frozenset[str] | None:
        """Return the only units that the expression names; None where it may be all; GuardError."""
        found = [literal_ids(selector, families) for selector in self.selectors]
        return None if None in found else frozenset().union(*(one or () for one in found))

    def enforced(self, families: Sequence[Families], ids: Sequence[str]) -> str:
        """Return the expression with each selector kept to these units.

        Raises:
            GuardError: a selector is about what users may not query, or the text is too long.
        """
        if sum(map(len, ids)) * max(1, len(self.selectors)) > MAX_SENT:
            raise GuardError("too many units for so many selectors: name the units in the query")

        def replaced(node: promql.Expr) -> promql.Expr | None:
            if not isinstance(node, promql.VectorSelector):
                return None
            return parse_selector(enforced(node, families, ids), MAX_SENT)

        with understood():
            tree = promql.transform(self.root, post_visit=replaced)
            text = tree.prettify()
        if any((ord(one) < 32 and one != "\n") or ord(one) == 127 for one in text):
            raise GuardError("control characters are not accepted")
        with understood():
            _check(text, tree, families, ids, len(self.selectors))
        return text


def parse(text: str, limit: int = MAX_TEXT) -> promql.Expr:
    """Parse a text of at most `limit` characters and a bounded number of levels.

    Raises:
        GuardError: it is too long, too deep, or not understood.
    """
    if len(text) > limit:
        raise GuardError(f"the expression is longer than {limit} characters")
    code = _BRACES.sub("", _NOT_CODE.sub("", text))
    if sum(1 for _ in _LEVEL.finditer(code)) > _MAX_LEVELS:
        raise GuardError(f"the expression has more than {_MAX_LEVELS} operators and brackets")
    with understood():
        text.encode()  # what is no Unicode is refused
        found = promql.parse(text)
    if not isinstance(found, promql.Expr):
        raise GuardError("the expression is not understood")
    return found


def parse_selector(text: str, limit: int = MAX_TEXT) -> promql.VectorSelector:
    """Parse a selector, its matchers in the order in which they are printed.

    Raises:
        GuardError: it is none.
    """
    found = parse(text, limit)
    with understood():
        printed = parse(found.prettify(), limit)
    if not isinstance(found, promql.VectorSelector) or not isinstance(
        printed, promql.VectorSelector
    ):
        raise GuardError("this is no selector of series")
    if _sorted(found) != _sorted(printed):
        raise GuardError(_UNSAFE)
    return printed


def _sorted(selector: promql.VectorSelector) -> tuple[str | None, list[list[Match]]]:
    return selector.name, [sorted(group) for group in alternatives_of(selector)]


def nodes(node: promql.Expr) -> Iterator[promql.Expr]:
    """Walk an expression; raises GuardError for a node, function or aggregation not listed."""
    yield node
    for child in children(node):
        yield from nodes(child)


def children(node: promql.Expr) -> list[promql.Expr]:
    """Return the expressions within a node; raises GuardError for one that is not understood."""
    match node:
        case promql.VectorSelector() | promql.NumberLiteral() | promql.StringLiteral():
            return []
        case promql.MatrixSelector():
            return [node.vector_selector]
        case promql.BinaryExpr():
            return [node.lhs, node.rhs]
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return [node.expr]
        case promql.AggregateExpr() if str(node.op) in AGGREGATIONS:
            return [node.expr] if node.param is None else [node.param, node.expr]
        case promql.Call() if node.func.name in FUNCTIONS:
            return list(node.args)
        case promql.Call():
            raise GuardError(f"the function {node.func.name} is not among those of users")
    raise GuardError("this expression is not understood")


def _check(
    text: str, tree: promql.Expr, families: Sequence[Families], ids: Sequence[str], count: int
) -> None:
    """Read back what is sent: the same tree, and the matchers in each selector.

    Raises:
        GuardError: it is not.
    """
    again = promql.parse(text)
    if repr(again) != repr(tree):
        raise GuardError(_UNSAFE)
    found = [node for node in nodes(again) if isinstance(node, promql.VectorSelector)]
    for selector in found:
        for group in alternatives_of(selector):
            if not set(required_by(selector, group, families, ids)) <= set(group):
                raise GuardError(_UNSAFE)
    if len(found) != count:
        raise GuardError(_UNSAFE)
