"""Report of a benchmark: figures beside their budgets, as Markdown tables. Nothing measures here."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

NONE = "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure that was measured; None where it could not be.

    `budget` is the most it may be, or the least where `side` says so; `note` is written beside it.
    """

    what: str
    value: float | None
    unit: str = ""
    budget: float | None = None
    side: Literal["most", "least"] = "most"
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the budget is kept; None without one, or without a figure."""
        if self.value is None or self.budget is None:
            return None
        return self.value <= self.budget if self.side == "most" else self.value >= self.budget

    @property
    def measured(self) -> str:
        """Write the figure with its unit."""
        return NONE if self.value is None else with_unit(self.value, self.unit)

    @property
    def allowed(self) -> str:
        """Write the budget, and whether it is kept."""
        if self.budget is None:
            return ""
        sign = "≤" if self.side == "most" else "≥"
        verdict = {True: "kept", False: "**missed**", None: "not measured"}[self.kept]
        return f"{sign} {with_unit(self.budget, self.unit)}: {verdict}"


def figures(measured: Sequence[Figure]) -> str:
    """Write figures as a table, each with its budget, and a sentence for each that missed it."""
    rows = [(each.what, each.measured, each.allowed, each.note) for each in measured]
    lines = table(("what", "measured", "budget", ""), rows)
    missed = [_missed(each) for each in measured if each.kept is False]
    return "\n".join([lines, *(f"\n{sentence}" for sentence in missed)])


def _missed(figure: Figure) -> str:
    budget = with_unit(figure.budget or 0, figure.unit)
    sentence = f"**Missed:** {figure.what} is {figure.measured}, and the budget is {budget}"
    return f"{sentence}: {figure.note}." if figure.note else f"{sentence}."


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table, its columns aligned as plain text too."""
    cells = [list(columns), *(list(row) for row in rows)]
    widths = [max(3, *(len(row[index]) for row in cells)) for index in range(len(columns))]
    padded = [
        "| " + " | ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def with_unit(value: float, unit: str = "") -> str:
    """Write a number with three digits that count, and its unit; whole numbers whole."""
    if unit == "%":
        text = f"{100 * value:.2f}".rstrip("0").rstrip(".")
    elif value == int(value) or abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        digits = 3 if abs(value) < 0.1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
        text = f"{value:.{digits}f}"
    return f"{text} {unit}".rstrip()


def times(theirs: float | None, ours: float | None) -> str:
    """Write how many times as much one figure is as another."""
    if theirs is None or not ours:
        return NONE
    ratio = theirs / ours
    return f"{ratio:.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"


def progress(message: str) -> None:
    """Print a line of progress on standard error."""
    print(f"  {message}", file=sys.stderr, flush=True)
