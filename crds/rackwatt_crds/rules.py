"""What must hold between the fields of one object: each rule once, in three tongues.

Its text is for people, its CEL for an API server, its check for Python, where `Model` holds it. An
API server counts what a rule may cost at worst before it takes it, so rules look at a few bounded
fields and never into lists.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rackwatt_crds.duration import seconds
from rackwatt_crds.unread import UNREAD

Found = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `found` returns what is there instead, where the rule does not hold.

    `cel` is None where the schema holds it without: by the type of a list. `reads` are the fields
    whose values count; of the others it counts only whether they are given.
    """

    text: str
    cel: str | None
    found: Found
    reads: tuple[str, ...] = ()

    def broken_by(self, model: Any) -> str | None:
        """Return what is wrong with a model, if this rule does not hold for what could be read."""
        if any(getattr(model, name) is UNREAD for name in self.reads):
            return None
        found = self.found(model)
        return None if found is None else f"{self.text}, found {found}"


def exactly_one(*names: str) -> Rule:
    """Rule that one of the named fields is given, and no other."""
    has = ", ".join(f"has(self.{camel(name)})" for name in names)
    choices = ", ".join(camel(name) for name in names)

    def found(model: Any) -> str | None:
        given = _given(model, names)
        return None if len(given) == 1 else " and ".join(given) or "none"

    text = f"exactly one of {choices} must be given"
    return Rule(text, f"[{has}].exists_one(given, given)", found)


def not_both(one: str, other: str, why: str) -> Rule:
    """Rule that at most one of two fields is given; `why` says why."""
    first, second = camel(one), camel(other)

    def found(model: Any) -> str | None:
        return "both" if len(_given(model, (one, other))) == 2 else None

    return Rule(why, f"!(has(self.{first}) && has(self.{second}))", found)


def needs(one: str, other: str, why: str) -> Rule:
    """Rule that one field is given only beside another; `why` says why."""
    first, second = camel(one), camel(other)

    def found(model: Any) -> str | None:
        return f"{first} alone" if _given(model, (one, other)) == [first] else None

    return Rule(
        f"{first} needs {second}: {why}", f"!has(self.{first}) || has(self.{second})", found
    )


def not_one_of(name: str, words: Sequence[str], why: str) -> Rule:
    """Rule that a field is none of some words, in any case of letters; `why` says why."""
    field, listed = camel(name), ", ".join(repr(word) for word in words)

    def found(model: Any) -> str | None:
        word = getattr(model, name)
        return repr(word) if word is not None and word.lower() in words else None

    cel = f"!has(self.{field}) || !(self.{field}.lowerAscii() in [{listed}])"
    return Rule(f"{field} must be none of {', '.join(words)}: {why}", cel, found, (name,))


def without_keys(name: str, keys: Sequence[str], why: str) -> Rule:
    """Rule that a map has none of some keys; `why` says why."""
    field, listed = camel(name), ", ".join(repr(key) for key in keys)

    def found(model: Any) -> str | None:
        given = [key for key in keys if key in (getattr(model, name) or {})]
        return " and ".join(given) or None

    cel = f"!has(self.{field}) || ![{listed}].exists(key, key in self.{field})"
    return Rule(f"{field} must have none of {', '.join(keys)}: {why}", cel, found, (name,))


def lasting(name: str, least: str) -> Rule:
    """Rule that a duration is no shorter than `least`."""
    field = camel(name)

    def found(model: Any) -> str | None:
        text = getattr(model, name)
        return text if text is not None and seconds(text) < seconds(least) else None

    cel = f"!has(self.{field}) || duration(self.{field}) >= duration('{least}')"
    return Rule(f"{field} must be at least {least}", cel, found, (name,))


def no_shorter(longer: str, shorter: str) -> Rule:
    """Rule that of two durations one is no shorter than the other, where both are given."""
    first, second = camel(longer), camel(shorter)

    def found(model: Any) -> str | None:
        texts = getattr(model, longer), getattr(model, shorter)
        if None in texts or seconds(texts[0]) >= seconds(texts[1]):
            return None
        return f"{texts[0]} and {texts[1]}"

    both = f"has(self.{first}) && has(self.{second})"
    cel = f"!({both}) || duration(self.{first}) >= duration(self.{second})"
    return Rule(f"{first} must not be shorter than {second}", cel, found, (longer, shorter))


def no_less(greater: str, less: str) -> Rule:
    """Rule that of two numbers one is no less than the other, where both are given."""
    first, second = camel(greater), camel(less)

    def found(model: Any) -> str | None:
        numbers = getattr(model, greater), getattr(model, less)
        wrong = None not in numbers and numbers[0] < numbers[1]
        return f"{numbers[0]:g} and {numbers[1]:g}" if wrong else None

    both = f"has(self.{first}) && has(self.{second})"
    cel = f"!({both}) || self.{first} >= self.{second}"
    return Rule(f"{first} must not be less than {second}", cel, found, (greater, less))


def as_many(one: str, other: str) -> Rule:
    """Rule that two host lists are equally long, where commas alone tell: brackets are not read."""
    first, second = camel(one), camel(other)

    def found(model: Any) -> str | None:
        texts = getattr(model, one), getattr(model, other)
        if None in texts or "[" in texts[0] + texts[1]:
            return None
        counts = [text.count(",") + 1 for text in texts]
        return None if counts[0] == counts[1] else f"{counts[0]} and {counts[1]}"

    lengths = f"self.{first}.split(',').size() == self.{second}.split(',').size()"
    brackets = f"self.{first}.contains('[') || self.{second}.contains('[')"
    text = f"{first} and {second} must be as many"
    return Rule(text, f"!has(self.{second}) || {brackets} || {lengths}", found, (one, other))


def each_once(name: str, key: str | None = None) -> Rule:
    """Rule that no item of a list stands there twice, or no item's key; the list's type says so."""

    def found(model: Any) -> str | None:
        items = [getattr(item, key) if key else item for item in getattr(model, name) or ()]
        read = [item for item in items if item is not UNREAD]
        return next((f"{item!r} twice" for item in read if read.count(item) > 1), None)

    return Rule(f"{camel(name)} must each be given once", None, found, (name,))


def kept(why: str, *expressions: str) -> Rule:
    """Rule that what CEL expressions give is the same before and after a change; `why` says why.

    Only an API server knows what was before.
    """
    old = [(word, word.replace("self.", "oldSelf.")) for word in expressions]
    cel = " && ".join(f"{now} == {before}" for now, before in old)
    return Rule(why, cel, lambda _: None)


def camel(name: str) -> str:
    """Spell a field's name as documents do."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _given(model: Any, names: Sequence[str]) -> list[str]:
    return [camel(name) for name in names if getattr(model, name) is not None]
