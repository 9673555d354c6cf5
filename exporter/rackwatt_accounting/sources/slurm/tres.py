"""What a job was allocated, by the TRES that slurmdbd keeps of it.

The energy that Slurm measured is one of them. It is of one job alone, and the others are shared by
many: it is taken out, so that texts repeat and are parsed once each.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT
from rackwatt_exporter.schedulers.slurm.tres import MIB, tres_amounts

_ENERGY = re.compile(r"(?:\A|,)energy=([0-9]+)(?=,|\Z)")
_GPU = "gres/gpu"


class Allocation(NamedTuple):
    """Amounts over all nodes, and a text of all that there is."""

    tres: str = ""
    cpus: int = 0
    nodes: int = 0
    gpus: int = 0
    memory_mib: int = 0
    billing: int = 0


def split_energy(tres: str) -> tuple[str, int | None]:
    """Return a TRES text without its energy, and that in joules.

    It is None where it was not measured: no energy, 0, or one of the numbers near 2^64 and 2^32
    that mean none (slurm.h, NO_VAL64, INFINITE64, NO_VAL and INFINITE).
    """
    found = _ENERGY.search(tres)
    if found is None:
        return tres, None
    rest = (tres[: found.start()] + tres[found.end() :]).removeprefix(",")
    return rest, measured_joules(int(found[1]))


def measured_joules(joules: int) -> int | None:
    """Return an energy of Slurm's; None for what it writes where none was measured."""
    is_sentinel = joules > MAX_COUNT or 2**32 - 4 <= joules < 2**32
    return None if is_sentinel or joules <= 0 else joules


@lru_cache(1 << 14)
def allocation(tres: str) -> Allocation:
    """Parse a TRES text that has no energy.

    GPUs with a type are part of their sum, which is there too where a site accounts for it. The
    text becomes the same whichever release and interface it is of: sorted, memory in MiB.
    """
    amounts: dict[str, int] = {}
    for pair in tres.split(","):
        amounts |= tres_amounts(pair) or {}
    return of_amounts(amounts)


def of_amounts(amounts: Mapping[str, int]) -> Allocation:
    """Return what the amounts of TRES are, by their names; memory in bytes."""
    typed = sum(amount for name, amount in amounts.items() if name.startswith(f"{_GPU}:"))
    texts = {name: f"{name}={amount}" for name, amount in amounts.items()}
    if "mem" in amounts:
        texts["mem"] = f"mem={amounts['mem'] // MIB}M"
    return Allocation(
        ",".join(texts[name] for name in sorted(texts)),
        amounts.get("cpu", 0),
        amounts.get("node", 0),
        amounts.get(_GPU, typed),
        amounts.get("mem", 0) // MIB,
        amounts.get("billing", 0),
    )
