"""Resources of a node or a job: CPUs, memory and generic resources, in base units."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, Count, Name, Text

MAX_GRES = 100

Cpus = Annotated[int, Meta(ge=0, le=MAX_COUNT)] | Annotated[float, Meta(ge=0, le=MAX_COUNT)]


class Gres(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An amount of one generic resource: `name` such as gpu, `type` such as h100.

    `type` is empty where the scheduler does not say which it is. `gpu` is the name for GPUs,
    whatever the scheduler calls them.
    """

    name: Name
    count: Count
    type: Text = ""


class Resources(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An amount of everything that is allocated; None was not reported.

    `gres` () is none at all: no generic resource is there. Its counts never overlap, so that those
    of one name add up.
    """

    cpus: Cpus | None = None
    memory_bytes: Count | None = None
    gres: Annotated[tuple[Gres, ...], Meta(max_length=MAX_GRES)] | None = None

    def count(self, name: str) -> int | None:
        """Return how many of a generic resource there are, of all types."""
        if self.gres is None:
            return None
        return sum(gres.count for gres in self.gres if gres.name == name)

    def by_type(self, name: str) -> dict[str, int]:
        """Return how many of a generic resource there are of each type."""
        return {gres.type: gres.count for gres in self.gres or () if gres.name == name}


def distinct_gres(counts: Iterable[tuple[str, str, int]]) -> tuple[Gres, ...]:
    """Return generic resources whose counts do not overlap, sorted; none of which there is none.

    Schedulers list a resource with its types and once more without a type: what has no type counts
    only as far as it exceeds the sum of the types. `counts` are name, type and number; those of one
    name and type add up.
    """
    total: Counter[tuple[str, str]] = Counter()
    typed: Counter[str] = Counter()
    for name, kind, count in counts:
        total[name, kind] += count
        typed[name] += count if kind else 0
    rest = (
        (name, kind, count if kind else count - typed[name])
        for (name, kind), count in sorted(total.items())
    )
    return tuple(Gres(name, count, kind) for name, kind, count in rest if count > 0)[:MAX_GRES]
