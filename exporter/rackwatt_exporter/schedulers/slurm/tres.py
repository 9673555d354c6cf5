"""Parser of Slurm's resources: TRES such as `cpu=4,mem=1000M,gres/gpu:a100=2`, and GRES.

Memory has no unit or one of K, M, G, T, P, which are powers of 1,024; without one it is MiB.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_NAME
from rackwatt_exporter.schedulers.model.resources import Gres, Resources, distinct_gres

MIB = 2**20
NOTHING = frozenset({"", "(null)", "N/A", "none"})

_NUMBER = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)([KMGTPE]?)i?B?\Z")
_POWERS = {unit: 1024**power for power, unit in enumerate("_KMGTPE")}
# One GRES: gpu:8, gpu:a100:3(IDX:0,2-3), gres:gpu:h100:2, gres/gpu:2, gres/gpu:a100=2.
_GRES = re.compile(
    r"(?:gres[:/])?([A-Za-z0-9_.-]+)(?::(?![0-9]+[KMGTPE]?(?:[,(]|\Z))([A-Za-z0-9_.-]+))?"
    r"(?::no_consume)?(?:[:=]([0-9]+[KMGTPE]?))?(?:\([^)]*\))*(?:,|\Z)"
)


@lru_cache(4096)
def parse_tres(text: str) -> Resources:
    """Parse a TRES string; a resource that is not in it is None.

    No GRES in it may mean that Slurm accounts for none (AccountingStorageTRES): `gres` is then
    None.
    """
    amounts = dict(_pairs(text))
    listed = [
        (*gres_of(name), count)
        for name, value in amounts.items()
        if name.startswith("gres/") and (count := _count(value)) is not None
    ]
    return Resources(
        cpus=_count(amounts.get("cpu", "")),
        memory_bytes=parse_memory(amounts.get("mem", "")),
        gres=distinct_gres(listed) if listed else None,
    )


def tres_amounts(text: str) -> dict[str, int] | None:
    """Return each amount of a TRES string by its name, memory in bytes; None where one is none."""
    amounts = {}
    for name, value in _pairs(text):
        amount = parse_memory(value) if name == "mem" else _count(value)
        if amount is None:
            return None
        amounts[name] = amount
    return amounts


def node_count(text: str) -> int | None:
    """Return how many nodes a TRES string has."""
    return _count(dict(_pairs(text)).get("node", ""))


@lru_cache(4096)
def parse_gres(text: str) -> tuple[Gres, ...] | None:
    """Parse a list of GRES, in the spelling of any version; None where it is no such list."""
    if text in NOTHING:
        return ()
    listed, position = [], 0
    while position < len(text):
        match = _GRES.match(text, position)
        if match is None:
            return None
        name, kind, number = match.groups()
        count = 1 if number is None else _count(number)
        if count is None or max(len(name), len(kind or "")) > MAX_NAME:
            return None
        listed.append((name, kind or "", count))
        position = match.end()
    return distinct_gres(listed)


def parse_memory(text: str) -> int | None:
    """Parse an amount of memory in bytes; None where it is none."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    return _bounded(float(match[1]) * _POWERS[match[2] or "M"])


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split(","):
        name, equals, value = pair.partition("=")
        if equals:
            yield name, value


def gres_of(name: str) -> tuple[str, str]:
    """Return name and type of a generic resource such as `gres/gpu:a100`."""
    plain, _, kind = name.removeprefix("gres/").partition(":")
    return plain[:MAX_NAME] or "unknown", kind[:MAX_NAME]


def _count(text: str) -> int | None:
    match = _NUMBER.match(text)
    return _bounded(float(match[1]) * _POWERS[match[2] or "_"]) if match else None


def _bounded(number: float) -> int | None:
    return int(number) if number <= MAX_COUNT else None
