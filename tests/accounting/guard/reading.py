"""A second reading of what is sent to Prometheus, which shares nothing with the guard's.

It does not parse: it finds every selector in the text by its braces, requires that no metric name
is without them, and evaluates the matchers over a few series. All data comes into a query by
its selectors, so a query whose selectors match no foreign series returns no foreign row.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.accounting.guard.series import Labels

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<text>\"(?:\\.|[^\"\\])*\")|(?P<range>\[[^\]\"]*\])"
    r"|(?P<number>(?:[0-9][0-9a-zA-Z.]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)"
    r"|(?P<symbol>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},@])"
)
_OPERATORS = frozenset(("=", "!=", "=~", "!~"))
_LABEL_LISTS = frozenset(
    [
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "fill",
        "fill_left",
        "fill_right",
    ]
)
_WORDS = frozenset(["and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"])
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"'}

Matcher = tuple[str, str, str]


class Selector(NamedTuple):
    """A metric's name, and the matchers of each alternative."""

    name: str
    groups: list[list[Matcher]]

    def matches(self, labels: Labels) -> bool:
        return any(
            (not self.name or labels["__name__"] == self.name)
            and all(holds(one, labels) for one in group)
            for group in self.groups
        )


def holds(matcher: Matcher, labels: Labels) -> bool:
    label, operator, value = matcher
    found = labels.get(label, "")
    if operator in ("=", "!="):
        return (found == value) == (operator == "=")
    try:
        same = re.compile(value, re.DOTALL).fullmatch(found) is not None
    except (re.error, RecursionError):
        return True  # it may match: what Python does not read counts as no restriction
    return same == (operator == "=~")


def tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token is not None, text[at : at + 40]
        at = token.end()
        if token.lastgroup != "space":
            found.append((str(token.lastgroup), token[0]))
    return [*found, ("end", "")]


def selectors(text: str) -> Iterator[Selector]:
    """Yield every selector; AssertionError for a metric without matchers."""
    parts, at = tokens(text), 0
    while at < len(parts) - 1:
        kind, word = parts[at]
        following = parts[at + 1][1]
        if word == "{" or (kind == "word" and following == "{"):
            start = at + (kind == "word")
            groups, at = _groups(parts, start + 1)
            yield Selector(word if kind == "word" else "", groups)
            continue
        if kind == "word" and word.lower() in _LABEL_LISTS and following == "(":
            at = next(i for i in range(at, len(parts)) if parts[i][1] == ")")
        elif kind == "word" and word.lower() not in _WORDS and following != "(":
            # `sum by (…)` alone; any other word would be a metric.
            assert following.lower() in ("by", "without"), f"{word} has no matchers: {text}"
        at += 1


def _groups(parts: list[tuple[str, str]], at: int) -> tuple[list[list[Matcher]], int]:
    groups: list[list[Matcher]] = [[]]
    while parts[at][1] != "}":
        word = parts[at][1]
        if word == ",":
            at += 1
        elif word == "or" and parts[at + 1][1] not in _OPERATORS:
            groups.append([])
            at += 1
        else:
            (kind, label), (_, operator), (string, value) = parts[at : at + 3]
            assert string == "text"
            assert operator in _OPERATORS
            groups[-1].append(
                (_unquoted(label) if kind == "text" else label, operator, _unquoted(value))
            )
            at += 3
    return groups, at + 1


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPED[found[1]], text[1:-1], flags=re.DOTALL)
