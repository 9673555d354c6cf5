"""Success and duration of each collector of another exporter, by its name there."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from rackwatt_exporter.profiles.node import NodeStores
from rackwatt_exporter.store.store import Record

# Collectors and managers by their names in CEEMS; the others have the same name.
NAMES: Mapping[str, str] = {
    "cpu": "cpu",
    "memory": "meminfo",
    "rapl": "rapl",
    "hwmon": "hwmon",
    "cray": "cray_pm_counters",
    "ipmi": "ipmi_dcmi",
    "redfish": "redfish",
    "netdev": "netdev",
    "infiniband": "infiniband",
    "slurm": "slurm",
    "libvirt": "libvirt",
    "kubernetes": "k8s",
}


class CollectorHealth(NamedTuple):
    """A collector, how long its last reading took, and whether that returned everything."""

    name: str
    took_s: float | None
    is_up: bool


def collector_health(stores: NodeStores) -> Iterator[CollectorHealth]:
    """Go through the collectors and managers that were read; one that is absent here is none."""
    records: Iterable[tuple[str, Record[Any, Any]]] = chain(
        stores.collectors.records.items(), stores.units.records.items()
    )
    for name, record in records:
        absent = getattr(record.value, "absent", None) is not None
        if name in NAMES and record.took_s is not None and not absent:
            yield CollectorHealth(NAMES[name], record.took_s, record.up)
