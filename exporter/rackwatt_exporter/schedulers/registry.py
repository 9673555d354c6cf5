"""The schedulers there are: a new one is a module of its own and a row here.

Each has the name of its kind in documents (`rackwatt_crds.kinds`). Modules are imported when first
needed.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.base import Scheduler

SCHEDULERS: Mapping[str, str] = MappingProxyType(
    {
        "slurm": "rackwatt_exporter.schedulers.slurm.ways:slurm_scheduler",
        "pbs": "rackwatt_exporter.schedulers.pbs.commands:pbs_scheduler",
        "gridengine": "rackwatt_exporter.schedulers.gridengine.commands:gridengine_scheduler",
        "htcondor": "rackwatt_exporter.schedulers.htcondor.commands:htcondor_scheduler",
        "lsf": "rackwatt_exporter.schedulers.lsf.commands:lsf_scheduler",
        "flux": "rackwatt_exporter.schedulers.flux.commands:flux_scheduler",
        "kubernetes": "rackwatt_exporter.schedulers.kubernetes.scheduler:kubernetes_scheduler",
        "openstack": "rackwatt_exporter.schedulers.openstack.cloud:openstack_scheduler",
        "noop": "rackwatt_exporter.schedulers.noop:noop",
        "exporter": "rackwatt_exporter.schedulers.remote:remote_scheduler",
    }
)


def scheduler(config: SchedulerConfig, secrets: Secrets) -> Scheduler:
    """Make the scheduler of a binding; it does not poll anything yet."""
    module, name = SCHEDULERS[config.kind].split(":")
    factory = getattr(import_module(module), name)
    return cast(Callable[[SchedulerConfig, Secrets], Scheduler], factory)(config, secrets)
