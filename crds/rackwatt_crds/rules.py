"""Rules between the fields of one object, each as text, as CEL and as Python.

The text is for users, the CEL for the API server, and the check for `decoding`. The API server
estimates the worst-case cost of a rule before it accepts the CRD, so rules read a few bounded
fields and never iterate over lists.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rackwatt_crds.duration import seconds
from rackwatt_crds.quoting import shown
from rackwatt_crds.unread import UNREAD

Check = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `check` returns the observed value where the rule does not hold.

    `cel` is None where the schema enforces the rule by the type of a list. `reads` are the fields
    whose values are read; of other fields, the rule only checks whether they are given. `at` is
    the one field that is wrong, as in documents; empty where any of several may be.
    """

    text: str
    cel: str | None
    check: Check
    reads: tuple[str, ...] = ()
    at: str = ""

    def violation(self, model: Any) -> str | None:
        """Return how a model violates the rule; None where it holds or its fields are unread."""
        if any(getattr(model, name) is UNREAD for name in self.reads):
            return None
        observed = self.check(model)
        return None if observed is None else f"{self.text}, found {observed}"


def exactly_one(*names: str) -> Rule:
    """Require exactly one of the named fields."""
    has = ", ".join(f"has(self.{camel(name)})" for name in names)
    choices = ", ".join(camel(name) for name in names)

    def check(model: Any) -> str | None:
        given = _given(model, names)
        return None if len(given) == 1 else " and ".join(given) or "none"

    text = f"exactly one of {choices} must be given"
    return Rule(text, f"[{has}].exists_one(given, given)", check)


def at_least_one(*names: str) -> Rule:
    """Require one of the named fields, or several."""
    has = " || ".join(f"has(self.{camel(name)})" for name in names)
    text = f"at least one of {', '.join(map(camel, names))} must be given"
    return Rule(text, has, lambda model: None if _given(model, names) else "none")


def not_both(one: str, other: str, why: str) -> Rule:
    """Forbid two fields together; `why` is the message."""
    first, second = camel(one), camel(other)

    def check(model: Any) -> str | None:
        return "both" if len(_given(model, (one, other))) == 2 else None

    return Rule(why, f"!(has(self.{first}) && has(self.{second}))", check)


def requires(one: str, other: str, why: str) -> Rule:
    """Require the field `other` where the field `one` is given; `why` is the reason."""
    first, second = camel(one), camel(other)

    def check(model: Any) -> str | None:
        return f"{first} alone" if _given(model, (one, other)) == [first] else None

    cel = f"!has(self.{first}) || has(self.{second})"
    return Rule(f"{first} needs {second}: {why}", cel, check, at=first)


def not_one_of(name: str, words: Sequence[str], why: str) -> Rule:
    """Forbid some words as a field's value, in any case; `why` is the reason."""
    field, listed = camel(name), ", ".join(repr(word) for word in words)

    def check(model: Any) -> str | None:
        word = getattr(model, name)
        return repr(word) if word is not None and word.lower() in words else None

    cel = f"!has(self.{field}) || !(self.{field}.lowerAscii() in [{listed}])"
    return Rule(f"{field} must be none of {', '.join(words)}: {why}", cel, check, (name,), field)


def without_keys(name: str, keys: Sequence[str], why: str) -> Rule:
    """Forbid some keys of a map; `why` is the reason."""
    field, listed = camel(name), ", ".join(repr(key) for key in keys)

    def check(model: Any) -> str | None:
        given = [key for key in keys if key in (getattr(model, name) or {})]
        return " and ".join(given) or None

    cel = f"!has(self.{field}) || ![{listed}].exists(key, key in self.{field})"
    text = f"{field} must have none of {', '.join(keys)}: {why}"
    return Rule(text, cel, check, (name,), field)


def min_duration(name: str, minimum: str) -> Rule:
    """Require a duration of at least `minimum`."""
    field = camel(name)

    def check(model: Any) -> str | None:
        text = getattr(model, name)
        return text if text is not None and seconds(text) < seconds(minimum) else None

    cel = f"!has(self.{field}) || duration(self.{field}) >= duration('{minimum}')"
    return Rule(f"{field} must be at least {minimum}", cel, check, (name,), field)


def not_shorter_than(longer: str, shorter: str) -> Rule:
    """Require of two durations that one is not shorter than the other, where both are given."""
    first, second = camel(longer), camel(shorter)

    def check(model: Any) -> str | None:
        texts = getattr(model, longer), getattr(model, shorter)
        if None in texts or seconds(texts[0]) >= seconds(texts[1]):
            return None
        return f"{texts[0]} and {texts[1]}"

    both = f"has(self.{first}) && has(self.{second})"
    cel = f"!({both}) || duration(self.{first}) >= duration(self.{second})"
    text = f"{first} must not be shorter than {second}"
    return Rule(text, cel, check, (longer, shorter), first)


def not_less_than(greater: str, less: str) -> Rule:
    """Require of two numbers that one is not less than the other, where both are given."""
    first, second = camel(greater), camel(less)

    def check(model: Any) -> str | None:
        numbers = getattr(model, greater), getattr(model, less)
        wrong = None not in numbers and numbers[0] < numbers[1]
        return f"{numbers[0]:g} and {numbers[1]:g}" if wrong else None

    both = f"has(self.{first}) && has(self.{second})"
    cel = f"!({both}) || self.{first} >= self.{second}"
    text = f"{first} must not be less than {second}"
    return Rule(text, cel, check, (greater, less), first)


def same_length(one: str, other: str) -> Rule:
    """Require two host lists of the same length; lists with brackets are not checked here."""
    first, second = camel(one), camel(other)

    def check(model: Any) -> str | None:
        texts = getattr(model, one), getattr(model, other)
        if None in texts or "[" in texts[0] + texts[1]:
            return None
        counts = [text.count(",") + 1 for text in texts]
        return None if counts[0] == counts[1] else f"{counts[0]} and {counts[1]}"

    lengths = f"self.{first}.split(',').size() == self.{second}.split(',').size()"
    brackets = f"self.{first}.contains('[') || self.{second}.contains('[')"
    text = f"{first} and {second} must have the same length"
    return Rule(text, f"!has(self.{second}) || {brackets} || {lengths}", check, (one, other))


def unique(name: str, key: str | None = None) -> Rule:
    """Require unique items, or unique keys of items; in the CRD, the type of the list does."""

    def check(model: Any) -> str | None:
        items = [getattr(item, key) if key else item for item in getattr(model, name) or ()]
        read = [item for item in items if item is not UNREAD]
        return next((f"{shown(item)} twice" for item in read if read.count(item) > 1), None)

    return Rule(f"{camel(name)} must be unique", None, check, (name,), camel(name))


def immutable(why: str, *expressions: str, at: str = "") -> Rule:
    """Require that CEL expressions keep their values in an update; `why` is the message.

    Only the API server knows the previous object.
    """
    pairs = [(new, new.replace("self.", "oldSelf.")) for new in expressions]
    cel = " && ".join(f"{new} == {old}" for new, old in pairs)
    return Rule(why, cel, lambda _: None, at=at)


def camel(name: str) -> str:
    """Return a field's name in camelCase, as in documents: `auth_url` is authURL."""
    head, *rest = name.split("_")
    return head + "".join("URL" if part == "url" else part.title() for part in rest)


def _given(model: Any, names: Sequence[str]) -> list[str]:
    return [camel(name) for name in names if getattr(model, name) is not None]
