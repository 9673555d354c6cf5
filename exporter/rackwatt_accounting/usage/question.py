"""A question about usage: which window, by what, in which steps, and of whose units.

Every name in it comes from a closed list: no text of a client ever becomes part of a statement.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rackwatt_accounting.identity.rights import Scope
from rackwatt_accounting.model.calendar import Calendar, date_text
from rackwatt_accounting.model.window import Window


class Dimension(StrEnum):
    """What usage is summed by."""

    CLUSTER = "cluster"
    USER = "user"
    ACCOUNT = "account"
    PARTITION = "partition"


class Step(StrEnum):
    """The periods that a window is divided into."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be summed; `filters` keep the rows that have one of the names.

    `scope` is what the caller may see: no answer has more.

    `calendar` gives the days and months of the steps. It need not be that of the database.
    """

    window: Window
    calendar: Calendar
    scope: Scope
    aggregate: tuple[Dimension, ...] = ()
    step: Step | None = None
    filters: Mapping[Dimension, Collection[str]] = field(default_factory=dict)


def periods(question: Question) -> Iterator[tuple[str, Window]]:
    """Yield label and window of each period of a question; the first and last may be cut."""
    if question.step is None:
        yield "", question.window
        return
    label, window = "", Window(0, 0)
    for day, part in question.calendar.days(question.window):
        date = date_text(day)
        named = date if question.step is Step.DAY else date[: len("2026-11")]
        if named == label:
            window = Window(window.from_s, part.to_s)
            continue
        if window.seconds:
            yield label, window
        label, window = named, part
    if window.seconds:
        yield label, window
