"""Expansion of host lists as schedulers write them: `node[001-512]`, `r[1-2]n[1-4]`, `a,b[1,3]`.

A range keeps the width of its first number when that begins with 0. Brackets nest, and several of
them multiply, the last one varying fastest.
"""

import re
from dataclasses import dataclass

from rackwatt_crds.quoting import HIDDEN, may_hold_secret, shown

MAX_NAMES = 200_000
MAX_NAME_LENGTH = 255  # no name of DNS is longer
_MAX_DEPTH = 16
_RANGE = re.compile(r"([0-9]+)-([0-9]+)\Z")
_LIKE_RANGE = re.compile(r"([0-9]+)(?:\s*[-–—]\s*|\.\.+|:|\s+to\s+)([0-9]+)\Z")
_SPECIAL = frozenset("[],")


def expand(text: str) -> list[str]:
    """List every name, in the order written.

    Raises:
        ValueError: the text is malformed, at the character named, or expands to too many names.
    """
    reader = _Reader(text)
    names = reader.alternatives(inside=False)
    if not all(names):
        raise ValueError(f"{_quoted(text)} has an empty name: remove the extra comma")
    return names


def _quoted(text: str) -> str:
    if may_hold_secret(text):
        return HIDDEN
    return repr(text if len(text) <= 60 else text[:57] + "...")


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    depth: int = 0

    def alternatives(self, inside: bool) -> list[str]:
        """Read items up to the end, or up to the bracket that closes."""
        names: list[str] = []
        while True:
            names += self._item(inside)
            self._check_count(len(names))
            if self.at == len(self.text) or self.text[self.at] != ",":
                return names
            self.at += 1

    def _item(self, inside: bool) -> list[str]:
        names = [""]
        while self.at < len(self.text) and self.text[self.at] not in ",]":
            parts = self._bracket() if self.text[self.at] == "[" else self._literal(inside)
            self._check_count(len(names) * len(parts))
            self._check_length(names, parts)
            names = [name + part for name in names for part in parts]
        if not inside and self.at < len(self.text) and self.text[self.at] == "]":
            raise ValueError(
                f"{_quoted(self.text)}: ] at character {self.at + 1} has no matching ["
            )
        return names

    def _bracket(self) -> list[str]:
        opened = self.at
        self.at += 1
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ValueError(f"{_quoted(self.text)} nests brackets more than {_MAX_DEPTH} deep")
        names = self.alternatives(inside=True)
        self.depth -= 1
        if self.at == len(self.text):
            raise ValueError(f"{_quoted(self.text)}: [ at character {opened + 1} is never closed")
        if not all(names):
            raise ValueError(f"{_quoted(self.text)}: [] at character {opened + 1} is empty")
        self.at += 1
        return names

    def _literal(self, inside: bool) -> list[str]:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _SPECIAL:
            self.at += 1
        word = self.text[start : self.at]
        if start == 0 or self.text[start - 1] in "[,":
            word = word.lstrip()
        if self.at == len(self.text) or self.text[self.at] in ",]":
            word = word.rstrip()
        if inside and (match := _RANGE.match(word)):
            return self._numbers(*match.groups())
        if inside and (meant := _LIKE_RANGE.match(word)):
            hint = f"{meant[1]}-{meant[2]}"
            wrong = "a range" if may_hold_secret(self.text) else shown(word)
            raise ValueError(f"{_quoted(self.text)}: {wrong} is not a range: write {hint:.60}")
        return [word]

    def _numbers(self, first: str, last: str) -> list[str]:
        self._check_length([first], [last])
        low, high = int(first), int(last)
        if low > high:
            raise ValueError(f"{_quoted(self.text)}: {first}-{last} runs backwards")
        self._check_count(high - low + 1)
        width = len(first) if first[0] == "0" else 0
        return [str(number).zfill(width) for number in range(low, high + 1)]

    def _check_count(self, count: int) -> None:
        if count > MAX_NAMES:
            raise ValueError(f"{_quoted(self.text)} expands to more than {MAX_NAMES} names")

    def _check_length(self, heads: list[str], tails: list[str]) -> None:
        if max(map(len, heads)) + max(map(len, tails)) > MAX_NAME_LENGTH:
            raise ValueError(
                f"{_quoted(self.text)} has a name of more than {MAX_NAME_LENGTH} characters"
            )
