"""Records in the JSON that a scheduler's command prints.

A login shell may print a greeting before it, and one record may be broken: each record is decoded
by itself, so that the others count. Values are tolerated in the spellings that versions have:
numbers as text, `-` and negative sentinels for none.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from rackwatt_exporter.protocols.command.process import one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_TIME_S, name

Record = Mapping[str, Any]
T = TypeVar("T")

MIB = 2**20
_DECODER = json.JSONDecoder(strict=False)  # a control character in a text breaks no record
_ARRAY = r"\[(?=\s*(?:\{|\]))"
_NEXT = re.compile(r"[\s,]*")
_RECORD = re.compile(r",\s*(?=\{)")
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.0*)?\Z")
_MAX_REREAD = 3  # times the length of the output


class Records(NamedTuple, Generic[T]):
    """What was made of the records of an array, and how many of them could not be read."""

    made: tuple[T, ...]
    unread: int


def parse_records(
    output: bytes, command: str, make: Callable[[Record], T | None], key: str | None = None
) -> Records[T]:
    """Parse the array of the name `key`, or the outermost one; no output at all is no record.

    `make` is called with each record, and returns None where it is not what it should be. Of a
    large array no more than one record is kept.

    Raises:
        ReadError: bad_reply where there is no array, or where most of it is broken.
    """
    text = output.decode("utf-8", "replace")
    if not text.strip():
        return Records((), 0)
    start = _array(key).search(text)
    if start is None:
        shown = one_line(text, 0)
        raise ReadError(Reason.BAD_REPLY, f"not the JSON that {command} prints: {shown}")
    made, unread = [], 0
    for record in _records(text, start.end(), command):
        one = make(record) if isinstance(record, dict) else None
        if one is None:
            unread += 1
        else:
            made.append(one)
    return Records(tuple(made), unread)


@lru_cache(8)
def _array(key: str | None) -> re.Pattern[str]:
    return re.compile(rf'"{re.escape(key)}"\s*:\s*{_ARRAY}' if key else _ARRAY)


def _records(text: str, position: int, command: str) -> Iterator[Record | None]:
    """Yield each record of an array, and None for what cannot be read.

    What follows a broken record is searched for again, within it too: the length of all that was
    read in vain is bounded.
    """
    vain = 0
    while not text.startswith("]", position := _end(_NEXT.match(text, position))):
        try:
            record, position = _DECODER.raw_decode(text, position)
            yield record
        except (ValueError, RecursionError) as error:
            yield None
            vain += getattr(error, "pos", len(text)) - position
            following = _RECORD.search(text, position)
            if following is None:
                return
            if vain > _MAX_REREAD * len(text):
                raise ReadError(Reason.BAD_REPLY, f"{command} prints broken JSON") from None
            position = following.end()


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # noqa: S101 - the pattern matches nothing at all too
    return match.end()


def count(value: object) -> int | None:
    """Return a whole number of things, none of a negative one and of any other value."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.match(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MAX_COUNT and value == int(value) else None


def mebibytes(value: object) -> int | None:
    """Return an amount of memory in bytes; the value is in MiB."""
    amount = count(value)
    return amount * MIB if amount is not None and amount <= MAX_COUNT // MIB else None


def time_s(value: object) -> int | None:
    """Return a Unix time, without its fraction; None of 0 and of any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value <= MAX_TIME_S else None


def word(value: object) -> str:
    """Return a name; empty of `-` and of what is no text."""
    return name(value) if isinstance(value, str) and value != "-" else ""
