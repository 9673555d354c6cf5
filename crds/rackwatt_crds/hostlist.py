"""Host lists, as schedulers write them: `node[001-512]`, `r[1-2]n[1-4,9]-bmc`, `a,b[1,3-4]`.

A range keeps the width of its first number when that begins with 0. Brackets nest, and several of
them multiply, the last one turning fastest.
"""

import re
from dataclasses import dataclass

MOST_NAMES = 200_000
LONGEST_NAME = 255  # no name of DNS is longer
_MOST_DEPTH = 16
_RANGE = re.compile(r"([0-9]+)-([0-9]+)\Z")
_LIKE_RANGE = re.compile(r"([0-9]+)(?:\s*[-–—]\s*|\.\.+|:|\s+to\s+)([0-9]+)\Z")
_SPECIAL = frozenset("[],")


def expand(text: str) -> list[str]:
    """List every name, in the order written.

    Raises:
        ValueError: what is wrong with the text and at which character, or that it means too many.
    """
    reader = _Reader(text)
    names = reader.alternatives(inside=False)
    if not all(names):
        raise ValueError(f"{_quoted(text)} has an empty name: is there a comma too many?")
    return names


def _quoted(text: str) -> str:
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
            self._hold(len(names))
            if self.at == len(self.text) or self.text[self.at] != ",":
                return names
            self.at += 1

    def _item(self, inside: bool) -> list[str]:
        names = [""]
        while self.at < len(self.text) and self.text[self.at] not in ",]":
            parts = self._bracket() if self.text[self.at] == "[" else self._literal(inside)
            self._hold(len(names) * len(parts))
            self._hold_length(names, parts)
            names = [name + part for name in names for part in parts]
        if not inside and self.at < len(self.text) and self.text[self.at] == "]":
            raise ValueError(f"{_quoted(self.text)}: ] at character {self.at + 1} closes nothing")
        return names

    def _bracket(self) -> list[str]:
        opened = self.at
        self.at += 1
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise ValueError(f"{_quoted(self.text)} nests brackets more than {_MOST_DEPTH} deep")
        names = self.alternatives(inside=True)
        self.depth -= 1
        if self.at == len(self.text):
            raise ValueError(f"{_quoted(self.text)}: [ at character {opened + 1} is never closed")
        if not all(names):
            raise ValueError(f"{_quoted(self.text)}: nothing stands in [] at {opened + 1}")
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
        if inside and (found := _RANGE.match(word)):
            return self._numbers(*found.groups())
        if inside and (meant := _LIKE_RANGE.match(word)):
            hint = f"{meant[1]}-{meant[2]}"
            raise ValueError(f"{_quoted(self.text)}: {word!r:.60} is no range: write {hint:.60}")
        return [word]

    def _numbers(self, first: str, last: str) -> list[str]:
        self._hold_length([first], [last])
        low, high = int(first), int(last)
        if low > high:
            raise ValueError(f"{_quoted(self.text)}: {first}-{last} runs backwards")
        self._hold(high - low + 1)
        width = len(first) if first[0] == "0" else 0
        return [str(number).zfill(width) for number in range(low, high + 1)]

    def _hold(self, count: int) -> None:
        if count > MOST_NAMES:
            raise ValueError(f"{_quoted(self.text)} means more than {MOST_NAMES} names")

    def _hold_length(self, heads: list[str], tails: list[str]) -> None:
        if max(map(len, heads)) + max(map(len, tails)) > LONGEST_NAME:
            raise ValueError(f"{_quoted(self.text)} has a name of more than {LONGEST_NAME} letters")
