"""Values of attributes as PBS prints them, in JSON and as text; what is none is None."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_TIME_S

_COUNT = re.compile(r"[0-9]{1,18}\Z")
_SIZE = re.compile(r"([0-9]{1,18})([kmgtp]?)([bw]?)\Z", re.IGNORECASE)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
_WORD_BYTES = 8
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_CTIME = re.compile(
    r"[A-Z][a-z]{2} +([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4})\Z"
)


def text(value: Any) -> str:
    """Return text; a name that is all digits is a number in PBS's JSON."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def section(attributes: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a group of attributes, such as resources_available; empty where there is none."""
    found = attributes.get(name)
    return found if isinstance(found, Mapping) else {}


def count(value: Any) -> int | None:
    """Return a whole number of at least 0."""
    digits = text(value)
    return min(int(digits), MAX_COUNT) if _COUNT.match(digits) else None


def size_bytes(value: Any) -> int | None:
    """Return bytes from a size such as `24684084kb`; w is a word of eight bytes."""
    match = _SIZE.match(text(value))
    if match is None:
        return None
    number, unit, kind = match.groups()
    size = int(number) * _UNITS[unit.lower()] * (_WORD_BYTES if kind.lower() == "w" else 1)
    return min(size, MAX_COUNT)


def time_s(value: Any) -> int | None:
    """Return a Unix time from one, or from a time in UTC such as `Sat Nov 21 01:10:54 2026`."""
    return _time_s(text(value))


@lru_cache(1024)
def _time_s(time: str) -> int | None:
    seconds = count(time)
    if seconds is None and (match := _CTIME.match(time)) and match[1] in _MONTHS:
        month = _MONTHS.index(match[1]) + 1
        day, hour, minute, second, year = (int(part) for part in match.groups()[1:])
        try:
            moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        except ValueError:
            return None
        seconds = int(moment.timestamp())
    return seconds if seconds is not None and 1 <= seconds <= MAX_TIME_S else None
