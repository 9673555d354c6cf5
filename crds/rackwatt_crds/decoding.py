"""Plain data into a model, with every problem found at once and each one named by its path.

msgspec stops at the first error; people who write a fleet by hand want all of them. So the objects
and lists are walked here, and only the leaves are msgspec's.
"""

import math
import reprlib
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

M = TypeVar("M", bound=msgspec.Struct)


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
class Broken:
    """Stands in a list for an item that could not be read, and keeps what was there."""

    raw: Any


class _SpoiltError(Exception):
    """Its problems are noted already."""


def decode(raw: Any, model: type[M]) -> tuple[M | None, list[Problem]]:
    """Read plain data as a model; None when a problem spoils the whole.

    Items that are spoilt alone (of lists whose Meta says `each_alone`) become `Broken` in its list.
    """
    walk = _Walk()
    try:
        return walk.object(raw, model, ""), walk.problems
    except _SpoiltError:
        return None, walk.problems


def nearest(word: str, known: list[str]) -> str:
    """Say which known word was probably meant, or name them all."""
    import difflib  # most documents have no mistake

    close = difflib.get_close_matches(word, known, 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def shown(raw: Any) -> str:
    """Show what was found in a document: its beginning, if it is long."""
    try:
        return reprlib.repr(raw)
    except ValueError:  # Python writes no number of thousands of digits
        return "a number of thousands of digits"


@dataclass(slots=True)
class _Walk:
    problems: list[Problem] = field(default_factory=list)
    alone: bool = False

    def object(self, raw: Any, model: type[M], path: str) -> M:
        if not isinstance(raw, Mapping):
            raise self._spoilt(path, f"expected an object, found {shown(raw)}")
        known = _fields(model)
        self._unknown(raw, known, model, path)
        found = {}
        for key, (name, hint, required) in known.items():
            at = f"{path}.{key}" if path else key
            if raw.get(key) is not None:
                found[name] = self._try(raw[key], hint, at)
            elif required:
                self._note(at, "is missing")
                found[name] = _SpoiltError
        if _SpoiltError in found.values() or self._unknown_keys(raw, known, model):
            raise _SpoiltError
        try:
            return model(**found)
        except ValueError as error:
            raise self._spoilt(path, str(error)) from None

    def _try(self, raw: Any, hint: Any, path: str) -> Any:
        try:
            return self._value(raw, hint, path)
        except _SpoiltError:
            return _SpoiltError

    def _value(self, raw: Any, hint: Any, path: str) -> Any:
        inner, metas = _unwrapped(hint)
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return self.object(raw, inner, path)
        if get_origin(inner) is list and _is_struct(get_args(inner)[0]):
            return self._list(raw, get_args(inner)[0], metas, path)
        if isinstance(raw, float) and not math.isfinite(raw):  # YAML has such, JSON has not
            raise self._spoilt(path, f"expected a number that is finite, found {shown(raw)}")
        try:
            return msgspec.convert(raw, hint)
        except msgspec.ValidationError as error:
            raise self._leaf(raw, inner, metas, path, str(error)) from None

    def _list(self, raw: Any, item: type[M], metas: list[msgspec.Meta], path: str) -> list[Any]:
        if not isinstance(raw, list):
            raise self._spoilt(path, f"expected a list, found {shown(raw)}")
        least = max((meta.min_length or 0 for meta in metas), default=0)
        most = min((meta.max_length for meta in metas if meta.max_length), default=len(raw))
        if not least <= len(raw) <= most:
            limit = f"at least {least}" if len(raw) < least else f"at most {most}"
            raise self._spoilt(path, f"expected {limit} items, found {len(raw)}")
        each_alone = any((meta.extra or {}).get("each_alone") for meta in metas)
        outer, self.alone = self.alone, self.alone or each_alone
        items = [self._try(one, item, f"{path}[{place}]") for place, one in enumerate(raw)]
        self.alone = outer
        if _SpoiltError in items and not each_alone:
            raise _SpoiltError
        return [
            Broken(one) if read is _SpoiltError else read
            for one, read in zip(raw, items, strict=True)
        ]

    def _unknown(self, raw: Any, known: dict[str, Any], model: Any, path: str) -> None:
        for key in self._unknown_keys(raw, known, model):
            name = key if isinstance(key, str) else shown(key)
            at = f"{path}.{name}" if path else name
            self._note(at, f"unknown field; {nearest(name, list(known))}")

    @staticmethod
    def _unknown_keys(raw: Any, known: dict[str, Any], model: Any) -> list[Any]:
        strict = model.__struct_config__.forbid_unknown_fields
        return [key for key in raw if key not in known] if strict else []

    def _leaf(
        self, raw: Any, inner: Any, metas: list[msgspec.Meta], path: str, said: str
    ) -> _SpoiltError:
        if self._within(raw, inner, path):
            return _SpoiltError()
        reason, _, place = said.partition(" - at `$")
        at = path + place.rstrip("`")
        if get_origin(inner) is Literal:
            words = [str(word) for word in get_args(inner)]
            said = raw if isinstance(raw, str) else shown(raw)
            return self._spoilt(at, f"{shown(raw)} is none of these; {nearest(said, words)}")
        told = [meta.description for meta in metas if meta.pattern and meta.description]
        if inner is str and not isinstance(raw, str):
            wanted = f"expected text, found {shown(raw)}: write it in quotes"
            return self._spoilt(at, ". ".join([wanted, *told[:1]]))
        if get_origin(inner) in (list, dict) and not isinstance(raw, get_origin(inner)):
            wanted = "a list" if get_origin(inner) is list else "an object"
            return self._spoilt(at, f"expected {wanted}, found {shown(raw)}")
        if isinstance(raw, str) and told:
            return self._spoilt(at, f"{shown(raw)} does not fit. {told[0]}")
        reason = reason.replace("`", "")
        return self._spoilt(at, f"{reason[0].lower()}{reason[1:]}, found {shown(raw)}")

    def _within(self, raw: Any, inner: Any, path: str) -> bool:
        """Tell of each item of a list or map of leaves what is wrong with it, if anything is."""
        if get_origin(inner) is list and isinstance(raw, list):
            items = [(f"{path}[{place}]", one) for place, one in enumerate(raw)]
        elif get_origin(inner) is dict and isinstance(raw, Mapping):
            items = [(f"{path}.{key}", one) for key, one in raw.items() if isinstance(key, str)]
        else:
            return False
        hint = get_args(inner)[-1]
        return _SpoiltError in [self._try(one, hint, at) for at, one in items]

    def _note(self, path: str, reason: str) -> None:
        self.problems.append(Problem(path, reason, self.alone))

    def _spoilt(self, path: str, reason: str) -> _SpoiltError:
        self._note(path, reason)
        return _SpoiltError()


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
