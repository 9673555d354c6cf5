"""Registry of managers: each layout is a module of its own and a row here.

What each requires of its node is a row in rackwatt_crds/node/unit_requirements.py. Modules are
imported when first needed: on a node every megabyte counts.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from rackwatt_crds.node.units import GridEngineUnits, PbsUnits, SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.units.gpus.book import GpuBook

if TYPE_CHECKING:
    from rackwatt_exporter.units.managers.base import Layout
    from rackwatt_exporter.units.properties.finder import PropertyFinder
    from rackwatt_exporter.units.source import UnitSource

LAYOUTS: Mapping[str, str] = MappingProxyType(
    {
        "slurm": "rackwatt_exporter.units.managers.slurm:SlurmLayout",
        "pbs": "rackwatt_exporter.units.managers.pbs:PbsLayout",
        "gridengine": "rackwatt_exporter.units.managers.gridengine:GridEngineLayout",
        "libvirt": "rackwatt_exporter.units.managers.libvirt:LibvirtLayout",
        "kubernetes": "rackwatt_exporter.units.managers.kubernetes:KubernetesLayout",
    }
)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def unit_source(config: UnitsConfig, host: HostPaths, book: GpuBook) -> "UnitSource":
    """Make the source of a manager's units; of the machine it reads the identity of its boot."""
    module, name = LAYOUTS[config.manager].split(":")
    factory = getattr(import_module(module), name)
    layout = cast("Layout", factory(host, config.settings))
    source = import_module("rackwatt_exporter.units.source").UnitSource
    gpus = import_module("rackwatt_exporter.units.gpus.registry").unit_gpus(config, host, book)
    return cast("UnitSource", source(layout, host, boot_id(), gpus, _properties(config, host)))


def _properties(config: UnitsConfig, host: HostPaths) -> "PropertyFinder | None":
    """Return what finds the properties of jobs; None of what is no job."""
    if not isinstance(config.settings, SlurmUnits | PbsUnits | GridEngineUnits):
        return None
    directory = (
        config.settings.properties_directory if isinstance(config.settings, SlurmUnits) else None
    )
    finder = import_module("rackwatt_exporter.units.properties.finder").PropertyFinder
    return cast("PropertyFinder", finder(config.manager, host, directory))


def boot_id(path: Path = _BOOT_ID) -> str:
    """Return the first digits of this boot's identity; empty where it has none."""
    try:
        return path.read_text().strip()[:8]
    except OSError:
        return ""
