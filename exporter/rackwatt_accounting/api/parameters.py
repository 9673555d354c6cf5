"""Parameters of requests: every mistake of a request at once, each with the name of its parameter.

Names of what is summed and filtered by come from closed lists, and nothing that a client sends
becomes part of a statement.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from multidict import MultiMapping

from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.usage.question import Dimension, Step

T = TypeVar("T")

DEFAULT_WINDOW_S = 7 * 86400
MAX_DAYS = 3660
MAX_FILTERS = 100
_MAX_TIME_S = 2**40
_MAX_NAME = 256


class ParameterError(Exception):
    """Parameters of a request are wrong; `problems` has the reason of each by its name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems.items()))
        self.problems = problems


@dataclass(slots=True)
class Parameters:
    """The query of a request, read one parameter at a time; `check` raises all mistakes."""

    query: MultiMapping[str]
    allowed: frozenset[str]
    problems: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.query:
            if name not in self.allowed:
                known = ", ".join(sorted(self.allowed))
                self.problems[name[:40]] = f"there is no such parameter; there are: {known}"

    def check(self) -> None:
        """Raise ParameterError: there are mistakes."""
        if self.problems:
            raise ParameterError(self.problems)

    def text(self, name: str, default: str = "") -> str:
        """Return the one value of a parameter."""
        values = self.query.getall(name, [])
        if len(values) > 1:
            self.problems[name] = "it is given more than once"
        return values[0] if values else default

    def window(self) -> Window:
        """Return the half-open window of `from` and `to`; by default the last seven days."""
        to_s = self._time("to", int(time.time()))
        from_s = self._time("from", to_s - DEFAULT_WINDOW_S)
        if from_s > to_s:
            self.problems["from"] = "it is after `to`"
        elif to_s - from_s > MAX_DAYS * 86400:
            self.problems["from"] = f"the window is longer than {MAX_DAYS} days"
        return Window(from_s, to_s)

    def calendar(self, default: Calendar) -> Calendar:
        """Return the calendar of `timezone`."""
        zone = self.text("timezone")
        if not zone or zone == default.zone:
            return default
        return self._parsed("timezone", Calendar, zone[:100], default)

    def aggregate(self) -> tuple[Dimension, ...]:
        """Return what `aggregate` names, in its order."""
        names = [name for name in self.text("aggregate").split(",") if name]
        if len(set(names)) < len(names):
            self.problems["aggregate"] = "it has a name twice"
        unknown = [name for name in names if name not in set(Dimension)]
        if unknown:
            self.problems["aggregate"] = f"{unknown[0][:40]!r} is none of {', '.join(Dimension)}"
            return ()
        return tuple(Dimension(name) for name in names)

    def step(self) -> Step | None:
        """Return the step; None for the window as a whole."""
        name = self.text("step")
        if not name:
            return None
        if name not in set(Step):
            self.problems["step"] = f"{name[:40]!r} is none of {', '.join(Step)}"
            return None
        return Step(name)

    def filters(self) -> dict[Dimension, list[str]]:
        """Return names by dimension, of `filter=user:ann`, which may be given again."""
        found: dict[Dimension, list[str]] = {}
        values = self.query.getall("filter", [])
        if len(values) > MAX_FILTERS:
            self.problems["filter"] = f"it is given more than {MAX_FILTERS} times"
            return {}
        for value in values:
            name, colon, text = value.partition(":")
            if not colon or name not in set(Dimension) or len(text) > _MAX_NAME:
                names = ", ".join(f"{dimension}:NAME" for dimension in Dimension)
                self.problems["filter"] = f"{value[:40]!r} is none of {names}"
                continue
            found.setdefault(Dimension(name), []).append(text)
        return found

    def number(self, name: str, default: int, largest: int) -> int:
        """Return a whole number from 1 to the largest one."""
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:20]) <= largest:
            self.problems[name] = f"it is no number from 1 to {largest}"
            return default
        return int(text)

    def _time(self, name: str, default: int) -> int:
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or int(text[:20]) > _MAX_TIME_S:
            self.problems[name] = "it is no Unix time in whole seconds, such as 1793000000"
            return default
        return int(text)

    def _parsed(self, name: str, parse: Callable[[str], T], text: str, default: T) -> T:
        try:
            return parse(text)
        except ValueError as error:
            self.problems[name] = str(error)
            return default
