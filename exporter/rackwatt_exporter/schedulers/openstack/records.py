"""Fields of OpenStack's records, which may be missing, null, or of another type than documented."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_NAME, MAX_TIME_S
from rackwatt_exporter.schedulers.model.resources import Gres, Resources

MIB = 2**20
# What may be in the place of a record: it is counted, and hides no other.
NoRecord = list[Any] | str | int | float | bool | None
T = TypeVar("T")


def name_of(value: Any) -> str:
    """Return a name or id; empty where it is none."""
    return value if isinstance(value, str) and 1 <= len(value) <= MAX_NAME else ""


def word_of(value: Any) -> str:
    """Return a state as a word; empty where it is none."""
    return "_".join(value.lower().split()) if isinstance(value, str) else ""


def count_of(value: Any) -> int | None:
    """Return a count, which some services write as a text; None where it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= MAX_COUNT else None


def bytes_of(mebibytes: Any) -> int | None:
    """Return the bytes of a count of MiB."""
    count = count_of(mebibytes)
    return None if count is None or count > MAX_COUNT // MIB else count * MIB


def time_of(value: Any) -> int | None:
    """Return a time in ISO 8601 as Unix time; without an offset it is UTC."""
    try:
        time = datetime.fromisoformat(value)
        seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return int(seconds) if 1 <= seconds <= MAX_TIME_S else None


def resources(cpus: Any, mebibytes: Any, gres: tuple[Gres, ...] | None = None) -> Resources | None:
    """Return an amount; None where nothing of it is known."""
    found = Resources(count_of(cpus), bytes_of(mebibytes), gres)
    return None if found == Resources() else found


def unambiguous(items: Iterable[tuple[str, T]], unread: list[str]) -> Iterator[tuple[str, T]]:
    """Yield the items whose name no other has; add the names of the others to `unread`."""
    found = list(items)
    counts = Counter(name for name, _ in found)
    for name, item in found:
        if counts[name] == 1:
            yield name, item
        else:
            unread.append(name)


def listed(names: Iterable[str]) -> str:
    """Return some names of many."""
    found = [name or "one without a name" for name in names]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return quoted(", ".join(quoted(name, 60) for name in found[:3])) + more
