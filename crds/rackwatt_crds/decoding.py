"""Decoder of plain data into models that reports every problem, each with its path.

msgspec stops at the first error, but users who write a fleet by hand need all of them. The decoder
therefore walks objects and lists itself and leaves only scalars to msgspec. It keeps what could be
read beside the problems, so that one mistake hides no other.
"""

import math
import re
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

from rackwatt_crds.quoting import HIDDEN, shown, shown_key
from rackwatt_crds.unread import UNREAD
from rackwatt_crds.wording import closest_match, counted, did_you_mean

M = TypeVar("M", bound=msgspec.Struct)
MAX_PROBLEMS = 10_000
_OTHER_TYPE = re.compile(r"Expected ([a-z]+), got [a-z]+\Z")
# From this similarity on, an unknown field is read as the one that it resembles.
_MISSPELT = 0.8
_TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem and its path, such as `spec.bmc.hosts[3].names`.

    With `item_only` it invalidates its list item; any other problem invalidates the document.
    """

    path: str
    reason: str
    item_only: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@dataclass(frozen=True, slots=True)
class InvalidItem:
    """A list item that has problems, with its plain data.

    `partial` is what could be read of it, with `UNREAD` for what could not.
    """

    raw: Any
    partial: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Decoded(Generic[M]):
    """A model read from plain data.

    `model` is None when a problem invalidates the whole. `partial` is what could be read
    nevertheless, with `UNREAD` for what could not.
    """

    model: M | None
    partial: M | None
    problems: list[Problem]


class Repeated(dict[int, list[tuple[str, str]]]):
    """Duplicate keys of a text: for the id() of each mapping, the keys and their positions."""


class _TooManyError(Exception):
    """No more problems are collected."""


def decode(raw: Any, model: type[M]) -> tuple[M | None, list[Problem]]:
    """Read plain data as a model; None when a problem invalidates the whole.

    An invalid item of a list whose Meta has `each_alone` becomes an `InvalidItem` in that list.
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
    whole = all(problem.item_only for problem in walk.problems)
    return Decoded(
        partial if whole else None, None if partial is UNREAD else partial, walk.problems
    )


def join_path(path: str, key: str) -> str:
    """Return the path of a field of an object."""
    return f"{path}.{key}" if path else key


def duplicate_key(key: str, where: str) -> str:
    """Return the reason for a duplicate key, with the position of the second one."""
    return f"key {shown(key)} is given twice ({where})"


@dataclass(slots=True)
class _Walk:
    repeated: Repeated
    problems: list[Problem] = field(default_factory=list)
    alone: bool = False
    misspelt: set[str] = field(default_factory=set)

    def object(self, raw: Any, model: type[M], path: str) -> M:
        """Read an object; `UNREAD` where the data is not an object."""
        if not isinstance(raw, Mapping):
            found = HIDDEN if getattr(model, "CONFIDENTIAL", False) else shown(raw)
            self._unread(path, f"expected an object, found {found}")
            return UNREAD  # type: ignore[no-any-return]
        known = _fields(model)
        for key, where in self.repeated.get(id(raw), ()):
            self._note(join_path(path, key), duplicate_key(key, where))
        given = {key: (raw[key], join_path(path, key)) for key in known if raw.get(key) is not None}
        if model.__struct_config__.forbid_unknown_fields:
            self._unknown(raw, known, given, path)
        read = {}
        for key, (name, hint, required) in known.items():
            if key in given:
                read[name] = self._value(given[key][0], hint, given[key][1])
            elif required:
                read[name] = self._unread(join_path(path, key), "is missing")
        partial = model(**read)
        for rule in getattr(model, "RULES", ()):
            if violation := rule.violation(partial):
                self._note(join_path(path, rule.at) if rule.at else path, violation)
        return partial

    def _unknown(
        self, raw: Any, known: Mapping[str, Any], given: dict[str, tuple[Any, str]], path: str
    ) -> None:
        """Note unknown fields; read each as the field that was probably meant."""
        for key in raw:
            if key in known:
                continue
            name = key if isinstance(key, str) else shown(key)
            at = join_path(path, shown_key(key))
            self._note(at, f"unknown field; {did_you_mean(name, list(known))}")
            meant = closest_match(name, list(known))
            if meant and meant not in given and raw[key] is not None:
                self.misspelt.add(at)
                alike = closest_match(name, [meant], _MISSPELT)
                given[meant] = (raw[key] if alike else UNREAD, at)

    def _value(self, raw: Any, hint: Any, path: str) -> Any:
        if raw is UNREAD:
            return UNREAD
        inner, metas = _unwrapped(hint)
        if _is_struct(inner):
            return self.object(raw, inner, path)
        if get_origin(inner) is list and _is_struct(get_args(inner)[0]):
            return self._structs(raw, get_args(inner)[0], metas, path)
        if isinstance(raw, float) and not math.isfinite(raw):  # YAML allows them
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

    def _structs(self, raw: Any, model: type[M], metas: list[msgspec.Meta], path: str) -> list[Any]:
        """Read a list of objects; return those that could be read."""
        if not isinstance(raw, list):
            return self._unread(path, f"expected a list, found {shown(raw)}")  # type: ignore[no-any-return]
        each_alone = any((meta.extra or {}).get("each_alone") for meta in metas)
        listed = self._bounded(raw, metas, path)
        outer, self.alone = self.alone, self.alone or each_alone
        read: list[Any] = []
        for index, item in enumerate(listed):
            before = len(self.problems)
            partial = self.object(item, model, f"{path}[{index}]")
            if each_alone and len(self.problems) > before:
                read.append(InvalidItem(item, None if partial is UNREAD else partial))
            elif partial is not UNREAD:
                read.append(partial)
        self.alone = outer
        return read

    def _leaves(self, raw: Any, inner: Any, metas: list[msgspec.Meta], path: str) -> Any:
        """Read a list of scalars item by item, once it could not be read as a whole."""
        if not isinstance(raw, list):
            return self._unread(path, f"expected a list, found {shown(raw)}")
        (hint,) = get_args(inner)
        listed = self._bounded(raw, metas, path)
        return [self._value(item, hint, f"{path}[{index}]") for index, item in enumerate(listed)]

    def _mapping(self, raw: Any, inner: Any, metas: list[msgspec.Meta], path: str) -> Any:
        """Read a map of scalars item by item, once it could not be read as a whole."""
        if not isinstance(raw, Mapping):
            return self._unread(path, f"expected an object, found {shown(raw)}")
        for key, where in self.repeated.get(id(raw), ()):
            self._note(join_path(path, key), duplicate_key(key, where))
        listed = self._bounded(list(raw), metas, path)
        hint = get_args(inner)[-1]
        read = {}
        for key in listed:
            at = join_path(path, shown_key(key))
            if not isinstance(key, str):
                self._note(at, f"expected text as key, found {shown(key)}: write it in quotes")
            elif (value := self._value(raw[key], hint, at)) is not UNREAD:
                read[key] = value
        return read

    def _bounded(self, raw: list[Any], metas: list[msgspec.Meta], path: str) -> list[Any]:
        """Note a wrong number of items; return at most as many as are allowed."""
        low = max((meta.min_length or 0 for meta in metas), default=0)
        high = min((meta.max_length for meta in metas if meta.max_length), default=len(raw))
        if not low <= len(raw) <= high:
            limit, count = ("at least", low) if len(raw) < low else ("at most", high)
            self._note(path, f"expected {limit} {counted(count, 'item')}, found {len(raw)}")
        return raw[:high]

    def _note(self, path: str, reason: str) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            raise _TooManyError
        self.problems.append(Problem(path, reason, self.alone))

    def _unread(self, path: str, reason: str) -> Any:
        """Note why a value cannot be read, unless its field is already noted as unknown."""
        if path not in self.misspelt:
            self._note(path, reason)
        return UNREAD


def _reason(raw: Any, hint: Any, inner: Any, metas: list[msgspec.Meta], message: str) -> str:
    """Return what was expected of a scalar, what was found, and what to change."""
    confidential = any((meta.extra or {}).get("confidential") for meta in metas)
    found = HIDDEN if confidential else shown(raw)
    if get_origin(inner) is Literal:
        words = [str(word) for word in get_args(inner)]
        word = raw if isinstance(raw, str) else found
        return f"unknown value {found}; {did_you_mean(word, words)}"
    meant = [meta.description for meta in metas if meta.pattern and meta.description]
    if inner is str and not isinstance(raw, str):
        advice = _advice_on_text(raw, hint)
        return ". ".join([f"expected text, found {found}{advice}", *meant[:1]])
    if isinstance(raw, str) and meant:
        return f"{found} does not match. {meant[0]}"
    reason = message.partition(" - at `$")[0].replace("`", "").replace(" | null", "")
    if match := _OTHER_TYPE.match(reason):
        reason = f"expected {_TYPES.get(match[1], match[1])}"
    return f"{reason[0].lower()}{reason[1:]}, found {found}{_advice(raw, hint, inner)}"


def _advice_on_text(raw: Any, hint: Any) -> str:
    if isinstance(raw, list):
        return ": write one text, with commas between"
    scalar = raw is not None and not isinstance(raw, Mapping)
    return ": write it in quotes" if scalar and _converts(shown(raw), hint) else ""


def _advice(raw: Any, hint: Any, inner: Any) -> str:
    if not isinstance(raw, str):
        return ""
    if inner is bool:
        return ": write true or false, without quotes"
    return ": write it without quotes" if _converts(raw, hint, strict=False) else ""


def _converts(raw: Any, hint: Any, strict: bool = True) -> bool:
    try:
        msgspec.convert(raw, hint, strict=strict)
    except msgspec.ValidationError:
        return False
    return True


@cache
def _fields(model: type[msgspec.Struct]) -> dict[str, tuple[str, Any, bool]]:
    """Map each field's name in documents to its Python name, type and whether it is required."""
    hints = get_type_hints(model, include_extras=True)
    return {
        known.encode_name: (known.name, hints[known.name], known.required)
        for known in msgspec.structs.fields(model)
    }


def _unwrapped(hint: Any) -> tuple[Any, list[msgspec.Meta]]:
    """Return a type without Annotated and `| None`, and the Metas that it had."""
    metas: list[msgspec.Meta] = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *notes = get_args(hint)
            metas += [note for note in notes if isinstance(note, msgspec.Meta)]
        elif get_origin(hint) in (Union, types.UnionType):
            hint, *others = [part for part in get_args(hint) if part is not type(None)]
            if others:
                return Any, metas + [
                    note for part in (hint, *others) for note in _unwrapped(part)[1]
                ]
        else:
            return hint, metas


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)
