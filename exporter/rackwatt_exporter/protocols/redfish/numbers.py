"""Numbers in Redfish's JSON: watts and joules, and what a device reports in their place.

Null, 0 and what is no number are not the watts of a machine: one that is on draws some, and a BMC
that reports 0 has no measurement.
"""

import math
from collections.abc import Iterable
from contextlib import suppress

from rackwatt_exporter.plausibility import REDFISH_NO_VALUE, measured
from rackwatt_exporter.protocols.redfish.json import Json, get
from rackwatt_exporter.protocols.redfish.names import shown
from rackwatt_exporter.protocols.redfish.status import require_working
from rackwatt_exporter.reading import Members, ReadError, Reason


def watts(document: Json, keys: tuple[str, ...], where: str) -> float | None:
    """Return the watts at a path of keys; None where the resource has no such property.

    Raises:
        ReadError: sensor_unreadable where the property is there and has no watts now, or where a
            state says that they are none; bad_reply where it is no number.
    """
    holder = get(document, *keys[:-1])
    if not isinstance(holder, dict) or keys[-1] not in holder:
        return None
    for depth in range(len(keys)):
        require_working(get(document, *keys[:depth]), where)
    return known_watts(holder[keys[-1]], where)


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
    silent = [f"{shown(name)} ({shown(_plain(v))})" for name, figure, v in known if figure is None]
    members = Members(len(known), len(known) - len(silent))
    if silent:
        message = f"{where} of {', '.join(silent)[:300]} cannot be read now"
        raise ReadError(Reason.SENSOR_UNREADABLE, message, members=members)
    numbers = [
        measured(figure, f"{where} of {shown(name)}", REDFISH_NO_VALUE)
        for name, figure, _ in known
        if figure is not None
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
    """Return watts of the BMC's own statistics; None where it has none."""
    watts_kept = positive(value)
    return None if watts_kept in REDFISH_NO_VALUE else watts_kept


def counter(value: Json) -> float | None:
    """Return a counter of energy, in its own unit; None where there is none.

    One of 16 bits may pass 65535 on its way.
    """
    counted = positive(value)
    return None if counted in REDFISH_NO_VALUE - {0xFFFF} else counted


def positive(value: Json) -> float | None:
    """Return a number above 0; None for anything else."""
    known = number(value)
    return known if known is not None and known > 0 else None


def number(value: Json) -> float | None:
    """Return a JSON number as a float; true is 1 to Python, and no number here."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        converted = float(value)
    except OverflowError:
        return None
    return converted if math.isfinite(converted) else None


def _plain(value: Json) -> str:
    return "null" if value is None else repr(value) if isinstance(value, str) else str(value)
