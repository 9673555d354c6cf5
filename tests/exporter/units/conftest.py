"""Sources over trees of control groups that tests write."""

from collections.abc import AsyncIterator, Callable

import pytest

from rackwatt_crds.model import Model
from rackwatt_crds.node import units
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.units.gpus.book import GpuBook, Inventory, no_gpus
from rackwatt_exporter.units.registry import unit_source
from rackwatt_exporter.units.source import UnitSource
from tests.exporter.units.cgroup_tree import CgroupTree

Open = Callable[..., UnitSource]
DEFAULTS: dict[str, Model] = {
    "slurm": units.SlurmUnits(),
    "pbs": units.PbsUnits(),
    "gridengine": units.GridEngineUnits(),
    "libvirt": units.LibvirtUnits(),
    "kubernetes": units.KubernetesUnits(),
}


@pytest.fixture
async def units_of() -> AsyncIterator[Open]:
    """Make the source of a manager over a tree."""
    sources: list[UnitSource] = []

    def make(
        tree: CgroupTree,
        manager: str,
        settings: Model | None = None,
        inventory: Inventory = no_gpus,
    ) -> UnitSource:
        config = UnitsConfig(manager, "nodes", settings or DEFAULTS[manager])
        host = HostPaths("n1", tree.sysfs, tree.procfs, rootfs=tree.procfs.parent)
        sources.append(unit_source(config, host, GpuBook(inventory)))
        return sources[-1]

    yield make
    for source in sources:
        await source.close()
