"""The profiles of a node; a profile that is not wanted is not imported."""

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from rackwatt_exporter.metrics.text import FamilyLines
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.units import UnitStore

NODE_PROFILES: Mapping[str, str] = MappingProxyType(
    {
        "ceems-0.5": "rackwatt_exporter.profiles.ceems.view:ceems_0_5",
        "ceems-0.10": "rackwatt_exporter.profiles.ceems.view:ceems_0_10",
        "batchjob": "rackwatt_exporter.profiles.batchjob.view:batchjob",
    }
)


class ProfileView(Protocol):
    """The stores of a node by the names of another exporter."""

    def families(self) -> Iterator[FamilyLines]:
        """Go through the families with their lines."""
        ...


def profile_views(
    profiles: Collection[str], collectors: CollectorStore, units: UnitStore
) -> tuple[ProfileView, ...]:
    """Return the views that are wanted, in the order of the table."""
    wanted = [path for name, path in NODE_PROFILES.items() if name in profiles]
    return tuple(_view(path, collectors, units) for path in wanted)


def _view(path: str, collectors: CollectorStore, units: UnitStore) -> ProfileView:
    module, name = path.split(":")
    stores = import_module("rackwatt_exporter.profiles.node").NodeStores(collectors, units)
    return cast("ProfileView", getattr(import_module(module), name)(stores))
