"""Values of limits, as the commands and slurmrestd write them of associations and of QOS."""

from collections.abc import Mapping, Sequence
from typing import Any

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT
from rackwatt_exporter.schedulers.model.resources import MAX_GRES, Gres
from rackwatt_exporter.schedulers.slurm.rest_json import json_count, text
from rackwatt_exporter.schedulers.slurm.tres import MIB, gres_of

_NO_LIMIT = 2**32 - 2  # of the counts of jobs; Slurm's NO_VAL, and INFINITE behind it

Amounts = Mapping[str, int]


def limited(count: int | None) -> int | None:
    """Return a limit of jobs; None for a number that means that there is none."""
    return count if count is not None and count < _NO_LIMIT else None


def at(value: Any, *keys: str) -> Any:
    """Return what is in dictionaries in dictionaries; None where one of them is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def json_amounts(total: Sequence[Any]) -> Amounts | None:
    """Return the amounts of TRES by name, memory in bytes; None where one cannot be read."""
    amounts = {}
    for one in total:
        kind, amount = text(at(one, "type")), json_count(at(one, "count"))
        if not kind or amount is None or amount > MAX_COUNT // MIB:
            return None
        named = "/".join(filter(None, (kind, text(at(one, "name")))))
        amounts[named] = amount * MIB if kind == "mem" else amount
    return amounts


def limited_gres(amounts: Amounts) -> tuple[Gres, ...]:
    """Return the limits of generic resources: those of a type are beside that of all."""
    named = sorted(
        (*gres_of(name), amount) for name, amount in amounts.items() if name.startswith("gres/")
    )
    return tuple(Gres(name, amount, kind) for name, kind, amount in named)[:MAX_GRES]
