"""Validity of tariffs and factors: from a day on, to a day that no longer has them.

Several of one name follow one another, so that a sum of the past keeps the price that it had.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.quoting import shown
from rackwatt_crds.rules import Rule, camel
from rackwatt_crds.unread import UNREAD

Day = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z",
        max_length=10,
        description="A date such as `2026-01-01`, in the time zone of accounting.",
    ),
]
LayerName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\Z",
        max_length=63,
        description="Letters, digits, `-`, `_` and `.`.",
    ),
]

_TO_AFTER_FROM = Rule(
    "to must be later than from",
    "!has(self.to) || self.to > self.from",
    lambda model: (
        f"{model.from_} and {model.to}"
        if model.to is not None and model.to <= model.from_
        else None
    ),
    ("from_", "to"),
    "to",
)


class Valid(Model, frozen=True, kw_only=True):
    """A name, and the days on which it is valid."""

    name: LayerName
    from_: Annotated[Day, Meta(description="The first day on which it is valid.")]
    to: Annotated[
        Day | None,
        Meta(description="The first day on which it is no longer valid. Default: none."),
    ] = None

    RULES: ClassVar[tuple[Rule, ...]] = (_TO_AFTER_FROM,)


def one_at_a_time(field: str) -> Rule:
    """Require that no two items of one name in a list of `Valid` are valid on the same day."""
    name = camel(field)
    shared = "one.name == other.name"
    meet = "(!has(other.to) || one.from < other.to) && (!has(one.to) || other.from < one.to)"
    cel = f"self.{name}.all(one, self.{name}.filter(other, {shared} && {meet}).size() < 2)"

    def check(model: Any) -> str | None:
        items = getattr(model, field)
        return next(_meetings(items), None) if items else None

    text = f"{name} of one name must not be valid on the same day"
    return Rule(text, f"!has(self.{name}) || {cel}", check, (field,), name)


def day_problems(items: Any) -> Iterator[tuple[str, str]]:
    """Yield the paths of days that no calendar has, such as 2026-02-30, with reasons."""
    for index, item in enumerate(items):
        for field in ("from_", "to"):
            text = getattr(item, field)
            if text is not None and text is not UNREAD and not _is_day(text):
                yield f"[{index}].{camel(field)}", f"{shown(text)} is no day of the calendar"


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _meetings(items: Sequence[Any]) -> Iterator[str]:
    read = [
        (index, item)
        for index, item in enumerate(items)
        if item is not UNREAD and UNREAD not in (item.name, item.from_, item.to)
    ]
    for place, (index, one) in enumerate(read):
        for other_index, other in read[place + 1 :]:
            if one.name == other.name and _meet(one, other):
                yield f"items {index} and {other_index} of {one.name}"


def _meet(one: Any, other: Any) -> bool:
    return (other.to is None or one.from_ < other.to) and (one.to is None or other.from_ < one.to)
