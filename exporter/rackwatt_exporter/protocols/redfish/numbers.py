"""Numbers in Redfish's JSON: what can be watts or joules, and what a device reports in their place.

Null, 0 and whatever is no number are no watts of a machine: one that is on draws some, and a BMC
that reports 0 does not know.
"""

import math
from collections.abc import Iterable
from contextlib import suppress

from rackwatt_exporter.plausibility import REDFISH_NO_VALUE, measured
from rackwatt_exporter.protocols.redfish.json import Json, at
from rackwatt_exporter.protocols.redfish.names import shown
from rackwatt_exporter.reading import Members, ReadError, Reason


def watts(document: Json, way: tuple[str, ...], where: str) -> float | None:
    """Return the watts at the end of a way; None where the resource has no such property.

    Raises:
        ReadError: sensor_unreadable where the property is there and has no watts now; bad_reply
            where it is no number.
    """
    holder = at(document, *way[:-1])
    if not isinstance(holder, dict) or way[-1] not in holder:
        return None
    return known_watts(holder[way[-1]], where)


def known_watts(value: Json, where: str) -> float:
    """Return a value as the watts of a whole machine.

    Raises:
        ReadError: as `watts`.
    """
    known = number(value)
    if known is None and value is not None:
        raise ReadError(Reason.BAD_REPLY, f"{where} is {shown(_plain(value))}, which is no number")
    if not known:
        raise unreadable(f"{where} is {shown(_plain(value))}: the BMC has no watts there now")
    return measured(known, where, REDFISH_NO_VALUE)


def member_watts(values: Iterable[tuple[str, Json]], where: str) -> float:
    """Add up named members of a sum, each of which has to be a measurement; together not 0.

    Raises:
        ReadError: sensor_unreadable, naming the members that are none; as `watts`.
    """
    known = [(name, number(value), value) for name, value in values]
    silent = [f"{shown(name)} ({shown(_plain(v))})" for name, found, v in known if found is None]
    members = Members(len(known), len(known) - len(silent))
    if silent:
        message = f"{where} of {', '.join(silent)[:300]} cannot be read now"
        raise ReadError(Reason.SENSOR_UNREADABLE, message, members=members)
    numbers = [
        measured(found, f"{where} of {shown(name)}", REDFISH_NO_VALUE)
        for name, found, _ in known
        if found is not None
    ]
    total = added(numbers)
    if not total:
        raise unreadable(f"{where} is 0 or no number for all of {len(known)} members")
    return total


def unreadable(message: str) -> ReadError:
    """Make the error of a sensor that is there and has no value now."""
    return ReadError(Reason.SENSOR_UNREADABLE, message)


def added(values: Iterable[float | None]) -> float | None:
    """Add up; None where one is no number, or the sum is none."""
    known = list(values)
    numbers = [value for value in known if value is not None and value >= 0]
    if not numbers or len(numbers) < len(known):
        return None
    with suppress(OverflowError):
        return math.fsum(numbers)
    return None


def statistic(value: Json) -> float | None:
    """Return watts that the BMC kept; None for anything else, and where it kept none."""
    found = positive(value)
    return None if found in REDFISH_NO_VALUE else found


def positive(value: Json) -> float | None:
    """Return a number above 0; None for anything else."""
    found = number(value)
    return found if found is not None and found > 0 else None


def number(value: Json) -> float | None:
    """Return a JSON number as one; true is 1 to Python, and no number here."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _plain(value: Json) -> str:
    return "null" if value is None else repr(value) if isinstance(value, str) else str(value)
