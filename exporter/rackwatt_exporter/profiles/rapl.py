"""Zones of RAPL with the labels that go exporters give them: `index` and `path`.

The index is that of the package, for its memory too: a count of the zones of one name would go
wrong with ten packages, whose directories are sorted by letter.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rackwatt_exporter.collectors.power_limits import POWER_LIMIT
from rackwatt_exporter.collectors.rapl import RaplResult
from rackwatt_exporter.profiles.node import NodeStores

_INDEX = re.compile(r"[a-z]+-([0-9].*)")
_LONG_TERM = "long_term"


class RaplZone(NamedTuple):
    """A zone: its kind, its number and its path, its joules since it was first seen, its limit."""

    kind: str
    number: str
    path: str
    joules: float
    limit_watts: float | None


def rapl_zones(stores: NodeStores) -> Iterator[RaplZone]:
    """Go through the zones of the node."""
    result = stores.result("rapl")
    if not isinstance(result, RaplResult):
        return
    limits = {
        one.labels[2]: one.value
        for one in stores.of_family("rapl", POWER_LIMIT)
        if one.labels[3] == _LONG_TERM
    }
    for energy in result.energies:
        counter = stores.collectors.counter("rapl", energy)
        yield RaplZone(
            energy.domain,
            index(energy.zone),
            result.paths.get(energy.zone, ""),
            counter.served_joules,
            limits.get(energy.zone),
        )


def index(zone: str) -> str:
    """Return the index of a zone by its name: 1 of `package-1/dram`, 0 of one without a number."""
    match = _INDEX.match(zone)
    return match[1].partition("/")[0].partition("@")[0] if match else "0"
