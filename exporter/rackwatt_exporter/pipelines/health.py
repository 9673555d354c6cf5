"""Health of polls in /status, bounded in length whatever a peer sends."""

from typing import Any

from rackwatt_exporter.printable import printable
from rackwatt_exporter.remedies import remedy_of
from rackwatt_exporter.store.store import Record

_MAX_CHARACTERS = 1000


def health(record: Record[Any, Any], kind: str, now_s: float) -> dict[str, Any]:
    """Return whether it is up, how old its value is, and what it failed for; null for unknown.

    `kind` is the name of its pipeline.
    """
    error, since_s = record.error, record.failing_since_s
    return {
        "up": record.up,
        "age_s": rounded(record.age_s(now_s)),
        "took_s": rounded(record.took_s),
        "reason": error.reason if error else None,
        "message": shortened(error) if error else None,
        "remedy": remedy_of(error, kind) if error else None,
        "failing_for_s": rounded(now_s - since_s if since_s is not None else None),
        "reads": record.reads,
        "errors": dict(record.errors),
    }


def shortened(message: object) -> str:
    """Return a message on one line that can be printed, cut where it is too long to be shown."""
    return printable(str(message), _MAX_CHARACTERS)


def rounded(number: float | None) -> float | None:
    """Return a number to three places."""
    return None if number is None else round(number, 3)
