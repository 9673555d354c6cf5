"""One selector of PromQL, with the matchers that keep it to the units of a caller.

The matchers are added to those that the user gave, also of the same label: all of them have to
hold. A selector with alternatives (`{a="b" or c="d"}`, as VictoriaMetrics has them) gets them in
each alternative. The text of a matcher is written here, because the parser's own `str()` of one
does not escape its value.

https://prometheus.io/docs/prometheus/latest/querying/basics/#time-series-selectors
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from promql_parser import (
    AtModifierType,
    Matcher,
    MatchOp,
    SubqueryExpr,
    VectorSelector,
    display_duration,
)

from rackwatt_accounting.guard.families import Families, alternatives, family_of
from rackwatt_accounting.guard.refusal import GuardError, understood

NAME = "__name__"
_OPERATORS = (
    (MatchOp.Equal, "="),
    (MatchOp.NotEqual, "!="),
    (MatchOp.Re, "=~"),
    (MatchOp.NotRe, "!~"),
)
_PLAIN_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLAIN_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*\Z")
_LITERALS = re.compile(r"[A-Za-z0-9_:\-]+(\|[A-Za-z0-9_:\-]+)*\Z")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Match(NamedTuple):
    """A matcher as plain text, which can be compared."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        label = self.label if _PLAIN_LABEL.match(self.label) else quoted(self.label)
        return f"{label}{self.operator}{quoted(self.value)}"


def alternatives_of(selector: VectorSelector) -> list[list[Match]]:
    """Return the matchers of each alternative of a selector; of most there is one."""
    matchers = selector.matchers
    both = bool(matchers.matchers) and bool(matchers.or_matchers)
    if both:  # no text that the parser reads comes to that
        raise GuardError("this selector has matchers beside its alternatives")
    return [[_plain(one) for one in group] for group in matchers.or_matchers or [matchers.matchers]]


def families_of(
    selector: VectorSelector, group: Sequence[Match], families: Sequence[Families]
) -> Families:
    """Return the families that one alternative of a selector is about.

    Raises:
        GuardError: users may not query it, or it names no metric where that decides the label.
    """
    names = [selector.name] if selector.name is not None else []
    names += [one.value for one in group if one.label == NAME and one.operator == "="]
    found = [family_of(families, name) for name in names] or (
        list(families) if len(families) == 1 else []
    )
    if not found:
        raise GuardError("name a metric in each selector")
    if found[0] is None or any(one is not found[0] for one in found):
        shown = names[0] if names and len(names[0]) <= 100 else "this metric"
        raise GuardError(f"{shown} has no label of units: it is not among the metrics of users")
    return found[0]


def required(families: Families, ids: Sequence[str]) -> list[Match]:
    """Return the matchers that keep a selector to units; without units nothing matches them."""
    label = families.label
    if not ids:  # an empty alternation would match the series without the label
        own = [Match(label, "=~", ".+"), Match(label, "=", "")]
    elif len(ids) == 1:
        own = [Match(label, "=", ids[0])]
    else:
        own = [Match(label, "=~", alternatives(ids))]
    pinned = [Match(name, "=", value) for name, value in families.pinned]
    return [Match(NAME, "=~", families.pattern), *own, *pinned]


def required_by(
    selector: VectorSelector,
    group: Sequence[Match],
    families: Sequence[Families],
    ids: Sequence[str],
) -> list[Match]:
    """Return what has to be added to one alternative; raises GuardError as `families_of`."""
    name, *others = required(families_of(selector, group, families), ids)
    # Beside a name there can be no matcher of it, and the name is known to be allowed.
    return others if selector.name is not None else [name, *others]


def enforced(selector: VectorSelector, families: Sequence[Families], ids: Sequence[str]) -> str:
    """Return the text of a selector that matches series of these units alone.

    Raises:
        GuardError: users may not query it.
    """
    if selector.name is not None and not _PLAIN_METRIC.match(selector.name):
        raise GuardError("this metric name is not understood")
    groups = [
        ",".join(map(str, [*group, *required_by(selector, group, families, ids)]))
        for group in alternatives_of(selector)
    ]
    return f"{selector.name or ''}{{{' or '.join(groups)}}}{_modifiers(selector)}"


def literal_ids(selector: VectorSelector, families: Sequence[Families]) -> frozenset[str] | None:
    """Return the only units that a selector can match by the matchers that the user gave.

    None where they name none: then it may be all of the caller's. Raises GuardError.
    """
    found: set[str] = set()
    for group in alternatives_of(selector):
        label = families_of(selector, group, families).label
        named = [ids for one in group if one.label == label and (ids := _named(one))]
        if not named:
            return None
        found |= named[0]
    return frozenset(found)


def _named(match: Match) -> frozenset[str]:
    if match.operator == "=" and match.value:
        return frozenset([match.value])
    value = match.value[1:-1] if match.value[:1] + match.value[-1:] == "()" else match.value
    is_literal = match.operator == "=~" and _LITERALS.match(value)
    return frozenset(value.split("|")) if is_literal else frozenset()


def quoted(text: str) -> str:
    """Return a string of PromQL; what Prometheus might read otherwise is refused."""
    if any((ord(one) < 32 and one not in _ESCAPES) or ord(one) == 127 for one in text):
        raise GuardError("control characters are not accepted")
    return '"' + "".join(_ESCAPES.get(one, one) for one in text) + '"'


def _plain(matcher: Matcher) -> Match:
    operator = next(text for kind, text in _OPERATORS if matcher.op == kind)
    return Match(matcher.name, operator, matcher.value)


def at_seconds(node: VectorSelector | SubqueryExpr) -> float | Literal["start", "end"] | None:
    """Return the time after `@`, a Unix time or a word; None without; raises GuardError."""
    modifier = node.at
    if modifier is None:
        return None
    if modifier.type == AtModifierType.Start:
        return "start"
    if modifier.type == AtModifierType.End:
        return "end"
    with understood():
        moment = modifier.at
    if moment is None:
        raise GuardError("the time after `@` is out of range")
    return moment.timestamp()


def offset_of(node: VectorSelector | SubqueryExpr) -> timedelta:
    """Return the offset of a node; raises GuardError."""
    with understood():
        return node.offset or timedelta()


def _modifiers(selector: VectorSelector) -> str:
    text, at_s, offset = "", at_seconds(selector), offset_of(selector)
    if at_s is not None:
        text += f" @ {at_s:.3f}" if isinstance(at_s, float) else f" @ {at_s}()"
    if offset:
        text += f" offset {'-' if offset < timedelta() else ''}{display_duration(abs(offset))}"
    return text
