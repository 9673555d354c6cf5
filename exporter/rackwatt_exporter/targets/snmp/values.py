"""Objects and their values into watts: which cells of which tables count, and what they come to.

Pure. A number is believed only when the agent showed it, it reads as one, it can be a measurement
(plausibility.py), and its row still is the row that was meant.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rackwatt_exporter.config.options import OidOptions
from rackwatt_exporter.plausibility import SNMP_NO_VALUE, measured
from rackwatt_exporter.protocols.snmp.value import Value
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.snmp.text import WATTS, number

_NUMERIC = re.compile(r"\.?[0-9]+(\.[0-9]+)+\Z")
_LARGEST_ARC = 2**32 - 1
_MOST_DIGITS = 18
# How an object that says the number of decimals is read.
_DIGITS = OidOptions("")


class ObjectRef(NamedTuple):
    """One value of the sum. With `mark_oid`, it counts while `mark` is what that object shows.

    `name` is what it is remembered by: its object, or, where the settings look for a row by a text,
    its number among such rows, because its index may change.
    """

    oid: str
    term: OidOptions
    digits_oid: str | None = None
    mark_oid: str | None = None
    mark: str | None = None
    name: str = ""


def is_numeric(oid: str) -> bool:
    """Tell a numeric object identifier from a symbolic one."""
    return bool(_NUMERIC.match(oid))


def plain(oid: str) -> str:
    """Write a numeric object identifier as the wire's reader does: no dot first, no zeros.

    Raises:
        ReadError: invalid_entry, when no object can have it (RFC 2578, section 3.5).
    """
    arcs = [int(arc) for arc in oid.strip(".").split(".")]
    if arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39) or max(arcs) > _LARGEST_ARC:
        raise ReadError(Reason.INVALID_ENTRY, f"{oid} is no object identifier")
    return ".".join(map(str, arcs))


def cells(term: OidOptions, column: Mapping[str, Value]) -> list[ObjectRef]:
    """List the cells that one object of the settings stands for, all its identifiers numeric.

    `column` holds what was found under `term.where.oid`, where the settings name one.

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
    """List the cells of different objects: one that two entries of the settings name counts once.

    Raises:
        ReadError: invalid_entry, when two entries read one object in different ways.
    """
    kept: dict[str, ObjectRef] = {}
    for cell in sum_of:
        if _how(kept.setdefault(cell.oid, cell)) != _how(cell):
            message = f"two entries of oids name {cell.oid}, with different scales or units"
            raise ReadError(Reason.INVALID_ENTRY, message)
    return list(kept.values())


def objects(sum_of: Iterable[ObjectRef]) -> list[str]:
    """List the objects to read, each once."""
    return list(dict.fromkeys(oid for cell in sum_of for oid in _oids(cell)))


def moved(sum_of: Iterable[ObjectRef], values: Mapping[str, Value]) -> bool:
    """Check whether a value is gone, or a row no longer is what it was."""
    return not all(_is_there(cell, values) for cell in sum_of)


def present(sum_of: Iterable[ObjectRef], values: Mapping[str, Value]) -> list[str]:
    """List the names of the cells that the agent shows, each in its row."""
    return [cell.name for cell in sum_of if _is_there(cell, values)]


def watts(sum_of: Iterable[ObjectRef], values: Mapping[str, Value]) -> float:
    """Sum the cells.

    Raises:
        ReadError: no_power_sensor for an object that is not there, bad_reply for one that is no
            number, sensor_unreadable for one that says that there is no measurement.
    """
    try:
        total = math.fsum(_cell_watts(cell, values) for cell in sum_of)
    except (OverflowError, ValueError):
        total = math.inf
    if not math.isfinite(total):
        raise ReadError(Reason.BAD_REPLY, "the sum is no finite number: check scale")
    return total


def text(value: Value) -> str:
    """Write a value as people write it in `equals`."""
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
    if digits not in range(_MOST_DIGITS + 1):
        raise ReadError(
            Reason.BAD_REPLY, f"{cell.digits_oid} is {digits:g}, not a number of digits"
        )
    return watts / 10**digits


def _factor(term: OidOptions) -> float:
    return term.scale if term.unit is None else term.scale * WATTS[term.unit]


def _how(cell: ObjectRef) -> tuple[float, str | None, str | None]:
    """Return all that decides what a value of the cell's object comes to."""
    return _factor(cell.term), cell.term.pattern, cell.digits_oid


def _number(oid: str, values: Mapping[str, Value], term: OidOptions) -> float:
    if oid not in values:
        raise _missing(f"object {oid}", [])
    value = values[oid]
    if isinstance(value, int | float):
        return value
    # A str is an address or an object identifier: "1.3" would read as a number.
    found = number(value, term.unit, term.pattern) if isinstance(value, bytes) else None
    if found is None:
        message = f"{oid} is no number: {text(value)[:40]!r}"
        if isinstance(value, bytes):
            message += "; unit or pattern of its oids entry can say how to read text"
        raise ReadError(Reason.BAD_REPLY, message)
    return found


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
    told = f"the agent shows no {what} to this user"
    if instead:
        shown = ", ".join(repr(word[:40]) for word in instead[:8])
        told += f"; there is {shown}{' …' if len(instead) > 8 else ''}"
    return ReadError(Reason.NO_POWER_SENSOR, told)
