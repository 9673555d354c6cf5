"""The sources there are: a new one is a module of its own and a row here.

Each has the name of its kind in documents (`rackwatt_crds.kinds`). Modules are imported when first
needed.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from rackwatt_accounting.sources.base import AccountingSource
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "slurm": "rackwatt_accounting.sources.slurm.ways:slurm_accounting",
        "pbs": "rackwatt_accounting.sources.pbs.logs_and_queue:pbs_accounting",
        "gridengine": ("rackwatt_accounting.sources.gridengine.file_source:gridengine_accounting"),
    }
)


def accounting_source(config: SchedulerConfig, secrets: Secrets) -> AccountingSource:
    """Make the source of a binding; it does not ask anything yet.

    Raises:
        ValueError: its scheduler, or the interface that it chooses, keeps no accounting.
    """
    row = SOURCES.get(config.kind)
    if row is None:
        kinds = ", ".join(SOURCES)
        raise ValueError(f"{config.kind} has no accounting that is read here (of {kinds})")
    module, name = row.split(":")
    factory = getattr(import_module(module), name)
    return cast(Callable[[SchedulerConfig, Secrets], AccountingSource], factory)(config, secrets)
