"""Objects and their values into watts: which cells of which tables count, and what they come to.

Pure. A number is believed only when the agent showed it, it reads as one, it is not negative (which
is how PDUs say "not available"), and its row still is the row that was meant.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from rackwatt_exporter.protocols.snmp_value import Value
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.settings.options import OidOptions

_NUMERIC = re.compile(r"\.?[0-9]+(\.[0-9]+)+\Z")
_DECIMAL = re.compile(rb"\s*[+-]?[0-9]{1,20}(\.[0-9]{1,20})?\s*\Z")
_LARGEST_ARC = 2**32 - 1
_MOST_DIGITS = 18


class Cell(NamedTuple):
    """One value of the sum. With `mark_oid`, it counts while `mark` stands there."""

    oid: str
    scale: float
    digits_oid: str | None
    mark_oid: str | None
    mark: str | None


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


def cells(term: OidOptions, column: Mapping[str, Value]) -> list[Cell]:
    """List the cells that one object of the settings stands for, all its identifiers numeric.

    `column` holds what was found under `term.where.oid`, where the settings name one.

    Raises:
        ReadError: no_power_sensor, when no row fits.
    """
    where = term.where
    if where is None:
        return [Cell(term.oid, term.scale, term.digits_oid, None, None)]
    found = [
        Cell(
            term.oid + row,
            term.scale,
            term.digits_oid and term.digits_oid + row,
            where.oid + row if where.equals is not None else None,
            where.equals,
        )
        for row, mark in ((oid.removeprefix(where.oid), mark) for oid, mark in column.items())
        if where.equals is None or text(mark) == where.equals
    ]
    if not found:
        wanted = "" if where.equals is None else f" that says {where.equals!r}"
        raise _missing(f"row under {where.oid}{wanted}", list(map(text, column.values())))
    return found


def asked(sum_of: Iterable[Cell]) -> list[str]:
    """List the objects to ask for, each once."""
    return list(dict.fromkeys(oid for cell in sum_of for oid in _oids(cell)))


def moved(sum_of: Iterable[Cell], values: Mapping[str, Value]) -> bool:
    """Tell whether a value is gone, or a row no longer is what it was."""
    return any(cell.oid not in values or not _marked(cell, values) for cell in sum_of)


def watts(sum_of: Iterable[Cell], values: Mapping[str, Value]) -> float:
    """Sum the cells.

    Raises:
        ReadError: no_power_sensor for an object that is not there, bad_reply for one that is no
            number, sensor_unreadable for one that is negative.
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


def _cell_watts(cell: Cell, values: Mapping[str, Value]) -> float:
    value = _number(cell.oid, values)
    if not _marked(cell, values):
        raise _missing(f"row at {cell.mark_oid} that says {cell.mark!r}", [])
    if value < 0:
        told = f"{cell.oid} is {value:g}, which is how agents say that there is no measurement"
        raise ReadError(Reason.SENSOR_UNREADABLE, told)
    if cell.digits_oid is None:
        return value * cell.scale
    digits = _number(cell.digits_oid, values)
    if digits not in range(_MOST_DIGITS + 1):
        raise ReadError(
            Reason.BAD_REPLY, f"{cell.digits_oid} is {digits:g}, not a number of digits"
        )
    return value * cell.scale / 10**digits


def _number(oid: str, values: Mapping[str, Value]) -> float:
    if oid not in values:
        raise _missing(f"object {oid}", [])
    value = values[oid]
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    # A str is an address or an object identifier: "1.3" would read as a number.
    if isinstance(value, bytes) and _DECIMAL.match(value):
        return float(value)
    raise ReadError(Reason.BAD_REPLY, f"{oid} is no number: {text(value)[:40]!r}")


def _marked(cell: Cell, values: Mapping[str, Value]) -> bool:
    if cell.mark_oid is None:
        return True
    return cell.mark_oid in values and text(values[cell.mark_oid]) == cell.mark


def _oids(cell: Cell) -> Iterator[str]:
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
