"""Numbers and times as Grid Engine prints them; what is none is None."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_TIME_S

_MEMORY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([KMGTP]?)\Z")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}
_MOST_DIGITS = 18


def parse_count(text: str | None) -> int | None:
    """Return a whole number of at least 0."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        return None
    return int(text)


def parse_bytes(text: str | None) -> int | None:
    """Return bytes from text such as `23.5G`, whose units are powers of 1024."""
    match = _MEMORY.match(text or "")
    if match is None:
        return None
    return min(int(float(match[1]) * _UNITS[match[2]]), MAX_COUNT)


@lru_cache(1024)
def parse_time_s(text: str | None) -> int | None:
    """Return a Unix time from a time in UTC such as `2026-11-21T00:53:37`."""
    try:
        time_s = int(datetime.fromisoformat(text or "").replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return None
    return time_s if 1 <= time_s <= MAX_TIME_S else None
