"""Conversion of SNMP objects to watts: the objects of the sum, and their values. Pure.

A value counts only when the agent has the object, it is a number of a type that measures, it can be
a measurement (plausibility.py), and its row is still the row that was configured. Counters and
TimeTicks measure nothing (RFC 2578, section 7.1), and neither do addresses and identifiers.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rackwatt_exporter.config.options import OidOptions
from rackwatt_exporter.plausibility import SNMP_NO_VALUE, measured
from rackwatt_exporter.protocols.snmp.value import Unmeasured, Value
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.snmp.text import WATTS, advice, number, reports_none

_TYPE_REMEDY = (
    "Name an object of power in `oids`, whose type is Integer32, Gauge32, Unsigned32, a float or "
    "text. Joules that a counter adds up are no watts."
)
_TEXT_REMEDY = (
    "The message says which setting of the oids entry reads this text. `pattern` is the text with "
    "`{value}` for the number, and `unit` the number's unit."
)
_NUMERIC = re.compile(r"\.?[0-9]+(\.[0-9]+)+\Z")
_MAX_ARC = 2**32 - 1
_MAX_DIGITS = 18
# Options of an object that has the number of decimals.
_DIGITS = OidOptions("")


class ObjectRef(NamedTuple):
    """One value of the sum. With `mark_oid`, it counts while that object has the value `mark`.

    `name` identifies it over readings: its OID, or, where the settings select rows by a text, its
    number among such rows, because the index of a row may change.
    """

    oid: str
    term: OidOptions
    digits_oid: str | None = None
    mark_oid: str | None = None
    mark: str | None = None
    name: str = ""


def is_numeric(oid: str) -> bool:
    """Return whether an object identifier is numeric, not symbolic."""
    return bool(_NUMERIC.match(oid))


def plain(oid: str) -> str:
    """Normalize a numeric object identifier: no leading dot, no leading zeros.

    Raises:
        ReadError: invalid_entry, where no object can have it (RFC 2578, section 3.5).
    """
    arcs = [int(arc) for arc in oid.strip(".").split(".")]
    if arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39) or max(arcs) > _MAX_ARC:
        raise ReadError(Reason.INVALID_ENTRY, f"{oid} is no object identifier")
    return ".".join(map(str, arcs))


def cells(term: OidOptions, column: Mapping[str, Value]) -> list[ObjectRef]:
    """List the objects that one entry of the settings selects, all its identifiers numeric.

    `column` has the objects below `term.where.oid`, where the settings name one.

    Raises:
        ReadError: no_power_sensor, when no row fits.
    """
    where = term.where
    if where is None:
        return [ObjectRef(term.oid, term, term.digits_oid, name=term.oid)]
    rows = [
        oid.removeprefix(where.oid)
        for oid, mark in column.items()
        if where.equals is None or text(mark) == where.equals
    ]
    found = [
        ObjectRef(
            term.oid + row,
            term,
            term.digits_oid and term.digits_oid + row,
            where.oid + row if where.equals is not None else None,
            where.equals,
            term.oid + row if where.equals is None else f"{term.oid} of {where.equals!r} ({count})",
        )
        for count, row in enumerate(rows, 1)
    ]
    if not found:
        wanted = "" if where.equals is None else f" that says {where.equals!r}"
        raise _missing(f"row under {where.oid}{wanted}", list(map(text, column.values())))
    return found


def each_once(sum_of: Iterable[ObjectRef]) -> list[ObjectRef]:
    """List the objects without duplicates: one that two entries of the settings name counts once.

    Raises:
        ReadError: invalid_entry, where two entries read one object in different ways.
    """
    kept: dict[str, ObjectRef] = {}
    for cell in sum_of:
        if _conversion(kept.setdefault(cell.oid, cell)) != _conversion(cell):
            message = f"two entries of oids name {cell.oid}, with different scales or units"
            raise ReadError(Reason.INVALID_ENTRY, message)
    return list(kept.values())


def oids_to_get(sum_of: Iterable[ObjectRef]) -> list[str]:
    """List the OIDs to read, each once."""
    return list(dict.fromkeys(oid for cell in sum_of for oid in _oids(cell)))


def layout_changed(sum_of: Iterable[ObjectRef], values: Mapping[str, Value]) -> bool:
    """Return whether a value is missing, or a row is another one than before."""
    return not all(_is_there(cell, values) for cell in sum_of)


def present(sum_of: Iterable[ObjectRef], values: Mapping[str, Value]) -> list[str]:
    """List the names of the objects that the agent has, each in its row."""
    return [cell.name for cell in sum_of if _is_there(cell, values)]


def watts(sum_of: Iterable[ObjectRef], values: Mapping[str, Value]) -> float:
    """Sum the objects.

    Raises:
        ReadError: no_power_sensor for a missing object, or one of a type that is never a
            measurement; bad_reply for a text that is no number; sensor_unreadable for one that
            reports that there is no measurement.
    """
    try:
        total = math.fsum(_cell_watts(cell, values) for cell in sum_of)
    except (OverflowError, ValueError):
        total = math.inf
    if not math.isfinite(total):
        raise ReadError(Reason.BAD_REPLY, "the sum is no finite number: check scale")
    return total


def text(value: Value) -> str:
    """Format a value as people write it in `equals`."""
    return value.decode("utf-8", "replace").strip(" \0") if isinstance(value, bytes) else str(value)


def _cell_watts(cell: ObjectRef, values: Mapping[str, Value]) -> float:
    term = cell.term
    value = _number(cell.oid, values, term)
    if not _marked(cell, values):
        raise _missing(f"row at {cell.mark_oid} that says {cell.mark!r}", [])
    watts = measured(value, cell.oid, SNMP_NO_VALUE) * _factor(term)
    if cell.digits_oid is None:
        return watts
    digits = _number(cell.digits_oid, values, _DIGITS)
    if digits not in range(_MAX_DIGITS + 1):
        raise ReadError(
            Reason.BAD_REPLY, f"{cell.digits_oid} is {digits:g}, not a number of digits"
        )
    return watts / 10**digits


def _factor(term: OidOptions) -> float:
    return term.scale if term.unit is None else term.scale * WATTS[term.unit]


def _conversion(cell: ObjectRef) -> tuple[float, str | None, str | None]:
    """Return all that determines the watts of the object."""
    return _factor(cell.term), cell.term.pattern, cell.digits_oid


def _number(oid: str, values: Mapping[str, Value], term: OidOptions) -> float:
    if oid not in values:
        raise _missing(f"object {oid}", [])
    value = values[oid]
    if isinstance(value, Unmeasured):
        raise _no_watts(f"{oid} is of type {type(value).__name__}, which measures nothing: {value}")
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):  # "1.3" would be parsed as a number
        raise _no_watts(f"{oid} is no number, but an address or object identifier: {value}")
    parsed = number(value, term.unit, term.pattern)
    if parsed is not None:
        return parsed
    shown = repr(text(value)[:40])
    if reports_none(value):
        message = f"{oid} reports that it has no measurement: {shown}"
        raise ReadError(Reason.SENSOR_UNREADABLE, message)
    message = f"{oid} is no number: {shown}; {advice(value, term.unit, term.pattern)}"
    raise ReadError(Reason.BAD_REPLY, message, remedy=_TEXT_REMEDY)


def _no_watts(message: str) -> ReadError:
    return ReadError(Reason.NO_POWER_SENSOR, message, remedy=_TYPE_REMEDY)


def _is_there(cell: ObjectRef, values: Mapping[str, Value]) -> bool:
    return cell.oid in values and _marked(cell, values)


def _marked(cell: ObjectRef, values: Mapping[str, Value]) -> bool:
    if cell.mark_oid is None:
        return True
    return cell.mark_oid in values and text(values[cell.mark_oid]) == cell.mark


def _oids(cell: ObjectRef) -> Iterator[str]:
    yield cell.oid
    if cell.digits_oid is not None:
        yield cell.digits_oid
    if cell.mark_oid is not None:
        yield cell.mark_oid


def _missing(what: str, instead: list[str]) -> ReadError:
    message = f"the agent shows no {what} to this user"
    if instead:
        shown = ", ".join(repr(word[:40]) for word in instead[:8])
        message += f"; there is {shown}{' …' if len(instead) > 8 else ''}"
    return ReadError(Reason.NO_POWER_SENSOR, message)
