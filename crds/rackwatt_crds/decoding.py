"""Plain data into a model, with every problem found at once and each one named by its path.

msgspec stops at the first error; people who write a fleet by hand want all of them. So the objects
and lists are walked here, and only the leaves are msgspec's. What could be read is kept beside the
problems, so that one mistake hides no other.
"""

import math
import re
import reprlib
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from rackwatt_crds.unread import UNREAD
from rackwatt_crds.wording import closest, counted, nearest

M = TypeVar("M", bound=msgspec.Struct)
MAX_PROBLEMS = 10_000
_OTHER_TYPE = re.compile(r"Expected ([a-z]+), got [a-z]+\Z")
# From here on an unknown field is taken for the one it resembles, and what is in it is judged.
_MISSPELT = 0.8
_TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `spec.bmc.hosts[3].names`.

    One that stands `alone` spoils its list item; any other spoils the document.
    """

    path: str
    reason: str
    alone: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@dataclass(frozen=True, slots=True)
class InvalidItem:
    """Takes the place of a list item that has problems, and keeps what was there.

    `partial` is what could be read of it, with `UNREAD` for what could not.
    """

    raw: Any
    partial: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Decoded(Generic[M]):
    """A model read from plain data.

    `model` is None when a problem spoils the whole; `partial` is what could be read all the same,
    with `UNREAD` for what could not.
    """

    model: M | None
    partial: M | None
    problems: list[Problem]


class Repeated(dict[int, list[tuple[str, str]]]):
    """Keys that a text gives twice: for the id() of each mapping the keys, and where they are."""


class _TooManyError(Exception):
    """No more problems are collected."""


def decode(raw: Any, model: type[M]) -> tuple[M | None, list[Problem]]:
    """Read plain data as a model; None when a problem spoils the whole.

    Items that are spoilt alone (of lists whose Meta says `each_alone`) become `Broken` in its list.
    """
    decoded = examine(raw, model)
    return decoded.model, decoded.problems


def examine(raw: Any, model: type[M], repeated: Repeated | None = None) -> Decoded[M]:
    """Read plain data as a model, and keep what could be read where there are problems."""
    walk = _Walk(repeated or Repeated())
    try:
        partial = walk.object(raw, model, "")
    except _TooManyError:
        reason = f"has more than {MAX_PROBLEMS} problems: the others are not listed"
        return Decoded(None, None, [*walk.problems, Problem("", reason)])
    whole = all(problem.alone for problem in walk.problems)
    return Decoded(
        partial if whole else None, None if partial is UNREAD else partial, walk.problems
    )


def joined(path: str, key: str) -> str:
    """Write the path of a field of an object."""
    return f"{path}.{key}" if path else key


def given_twice(key: str, where: str) -> str:
    """Write that a mapping has a key twice, and where in the text the second one is."""
    return f"key {key!r:.60} is given twice ({where})"


def shown(raw: Any) -> str:
    """Show what was found in a document: its beginning, if it is long."""
    try:
        return _SHOWN.repr(raw)
    except ValueError:  # Python writes no number of thousands of digits
        return "a number of thousands of digits"


class _Shown(reprlib.Repr):
    """Writes plain data in the words of documents where Python has its own."""

    def repr_NoneType(self, raw: None, level: int) -> str:  # noqa: N802 - reprlib's way of names
        del raw, level
        return "nothing"

    def repr_bool(self, raw: bool, level: int) -> str:
        del level
        return "true" if raw else "false"


_SHOWN = _Shown()


@dataclass(slots=True)
class _Walk:
    repeated: Repeated
    problems: list[Problem] = field(default_factory=list)
    alone: bool = False
    misspelt: set[str] = field(default_factory=set)

    def object(self, raw: Any, model: type[M], path: str) -> M:
        """Read an object; `UNREAD` when it is none."""
        if not isinstance(raw, Mapping):
            self._unread(path, f"expected an object, found {shown(raw)}")
            return UNREAD  # type: ignore[no-any-return]
        known = _fields(model)
        for key, where in self.repeated.get(id(raw), ()):
            self._note(joined(path, key), given_twice(key, where))
        given = {key: (raw[key], joined(path, key)) for key in known if raw.get(key) is not None}
        if model.__struct_config__.forbid_unknown_fields:
            self._unknown(raw, known, given, path)
        read = {}
        for key, (name, hint, required) in known.items():
            if key in given:
                read[name] = self._value(given[key][0], hint, given[key][1])
            elif required:
                read[name] = self._unread(joined(path, key), "is missing")
        partial = model(**read)
        for rule in getattr(model, "RULES", ()):
            if broken := rule.broken_by(partial):
                self._note(path, broken)
        return partial

    def _unknown(
        self, raw: Any, known: Mapping[str, Any], given: dict[str, tuple[Any, str]], path: str
    ) -> None:
        """Note unknown fields; what they were probably meant to be counts as given there."""
        for key in raw:
            if key in known:
                continue
            name = key if isinstance(key, str) and key.isprintable() else shown(key)
            at = joined(path, name)
            self._note(at, f"unknown field; {nearest(name, list(known))}")
            meant = closest(name, list(known))
            if meant and meant not in given and raw[key] is not None:
                self.misspelt.add(at)
                alike = closest(name, [meant], _MISSPELT)
                given[meant] = (raw[key] if alike else UNREAD, at)

    def _value(self, raw: Any, hint: Any, path: str) -> Any:
        if raw is UNREAD:
            return UNREAD
        inner, metas = _unwrapped(hint)
        if _is_struct(inner):
            return self.object(raw, inner, path)
        if get_origin(inner) is list and _is_struct(get_args(inner)[0]):
            return self._structs(raw, get_args(inner)[0], metas, path)
        if isinstance(raw, float) and not math.isfinite(raw):  # YAML has such, JSON has not
            return self._unread(path, f"expected a number that is finite, found {shown(raw)}")
        if isinstance(raw, dict) and self.repeated.get(id(raw)):
            return self._mapping(raw, inner, metas, path)
        try:
            return msgspec.convert(raw, hint)
        except msgspec.ValidationError as error:
            if get_origin(inner) is list:
                return self._leaves(raw, inner, metas, path)
            if get_origin(inner) is dict:
                return self._mapping(raw, inner, metas, path)
            return self._unread(path, _reason(raw, hint, inner, metas, str(error)))

    def _structs(self, raw: Any, item: type[M], metas: list[msgspec.Meta], path: str) -> list[Any]:
        """Read a list of objects: those that could be read."""
        if not isinstance(raw, list):
            return self._unread(path, f"expected a list, found {shown(raw)}")  # type: ignore[no-any-return]
        each_alone = any((meta.extra or {}).get("each_alone") for meta in metas)
        listed = self._bounded(raw, metas, path)
        outer, self.alone = self.alone, self.alone or each_alone
        read: list[Any] = []
        for index, one in enumerate(listed):
            before = len(self.problems)
            partial = self.object(one, item, f"{path}[{index}]")
            if each_alone and len(self.problems) > before:
                read.append(InvalidItem(one, None if partial is UNREAD else partial))
            elif partial is not UNREAD:
                read.append(partial)
        self.alone = outer
        return read

    def _leaves(self, raw: Any, inner: Any, metas: list[msgspec.Meta], path: str) -> Any:
        """Read the items of a list of leaves that could not be read as a whole."""
        if not isinstance(raw, list):
            return self._unread(path, f"expected a list, found {shown(raw)}")
        (hint,) = get_args(inner)
        listed = self._bounded(raw, metas, path)
        return [self._value(one, hint, f"{path}[{index}]") for index, one in enumerate(listed)]

    def _mapping(self, raw: Any, inner: Any, metas: list[msgspec.Meta], path: str) -> Any:
        """Read the items of a map of leaves that could not be read as a whole."""
        if not isinstance(raw, Mapping):
            return self._unread(path, f"expected an object, found {shown(raw)}")
        for key, where in self.repeated.get(id(raw), ()):
            self._note(joined(path, key), given_twice(key, where))
        listed = self._bounded(list(raw), metas, path)
        hint = get_args(inner)[-1]
        read = {}
        for key in listed:
            at = joined(path, key if isinstance(key, str) and key.isprintable() else shown(key))
            if not isinstance(key, str):
                self._note(at, f"expected text as key, found {shown(key)}: write it in quotes")
            elif (value := self._value(raw[key], hint, at)) is not UNREAD:
                read[key] = value
        return read

    def _bounded(self, raw: list[Any], metas: list[msgspec.Meta], path: str) -> list[Any]:
        """Note a wrong number of items; return no more of them than there may be."""
        least = max((meta.min_length or 0 for meta in metas), default=0)
        most = min((meta.max_length for meta in metas if meta.max_length), default=len(raw))
        if not least <= len(raw) <= most:
            limit, count = ("at least", least) if len(raw) < least else ("at most", most)
            self._note(path, f"expected {limit} {counted(count, 'item')}, found {len(raw)}")
        return raw[:most]

    def _note(self, path: str, reason: str) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            raise _TooManyError
        self.problems.append(Problem(path, reason, self.alone))

    def _unread(self, path: str, reason: str) -> Any:
        """Note why a value cannot be read, unless its field is noted as unknown already."""
        if path not in self.misspelt:
            self._note(path, reason)
        return UNREAD


def _reason(raw: Any, hint: Any, inner: Any, metas: list[msgspec.Meta], message: str) -> str:
    """Write what was expected of a leaf, what was found, and what to change."""
    if get_origin(inner) is Literal:
        words = [str(word) for word in get_args(inner)]
        word = raw if isinstance(raw, str) else shown(raw)
        return f"{shown(raw)} is none of these; {nearest(word, words)}"
    meant = [meta.description for meta in metas if meta.pattern and meta.description]
    if inner is str and not isinstance(raw, str):
        advice = _advice_on_text(raw, hint)
        return ". ".join([f"expected text, found {shown(raw)}{advice}", *meant[:1]])
    if isinstance(raw, str) and meant:
        return f"{shown(raw)} does not fit. {meant[0]}"
    reason = message.partition(" - at `$")[0].replace("`", "").replace(" | null", "")
    if match := _OTHER_TYPE.match(reason):
        reason = f"expected {_TYPES.get(match[1], match[1])}"
    return f"{reason[0].lower()}{reason[1:]}, found {shown(raw)}{_advice(raw, hint, inner)}"


def _advice_on_text(raw: Any, hint: Any) -> str:
    if isinstance(raw, list):
        return ": write one text, with commas between"
    scalar = raw is not None and not isinstance(raw, Mapping)
    return ": write it in quotes" if scalar and _is_taken(shown(raw), hint) else ""


def _advice(raw: Any, hint: Any, inner: Any) -> str:
    if not isinstance(raw, str):
        return ""
    if inner is bool:
        return ": write true or false, without quotes"
    return ": write it without quotes" if _is_taken(raw, hint, strict=False) else ""


def _is_taken(raw: Any, hint: Any, strict: bool = True) -> bool:
    try:
        msgspec.convert(raw, hint, strict=strict)
    except msgspec.ValidationError:
        return False
    return True


@cache
def _fields(model: type[msgspec.Struct]) -> dict[str, tuple[str, Any, bool]]:
    """Map each field's name in documents to its name, type and whether it must be there."""
    hints = get_type_hints(model, include_extras=True)
    return {
        known.encode_name: (known.name, hints[known.name], known.required)
        for known in msgspec.structs.fields(model)
    }


def _unwrapped(hint: Any) -> tuple[Any, list[msgspec.Meta]]:
    """Take off Annotated and `| None`, and keep what was noted on the way."""
    metas: list[msgspec.Meta] = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *notes = get_args(hint)
            metas += [note for note in notes if isinstance(note, msgspec.Meta)]
        elif get_origin(hint) in (Union, types.UnionType):
            hint, *others = [part for part in get_args(hint) if part is not type(None)]
            if others:
                return Any, metas + [note for one in (hint, *others) for note in _unwrapped(one)[1]]
        else:
            return hint, metas


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)
