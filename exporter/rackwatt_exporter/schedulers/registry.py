"""The ways to ask a scheduler: a new one is a module of its own and a row here.

Modules are imported when first needed: a site with sinfo does not pay for httpx.
"""

from rackwatt_exporter.config.scheduler import (
    ExporterOptions,
    NoopOptions,
    SchedulerConfig,
    SlurmCliOptions,
    SlurmRestOptions,
    SlurmSshOptions,
)
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.base import Scheduler


def scheduler(binding: SchedulerConfig, secrets: Secrets) -> Scheduler:
    """Make the scheduler of a binding; it does not ask it anything yet."""
    match binding.options:
        case SlurmCliOptions() as options:
            from rackwatt_exporter.protocols.command.local import LocalHost
            from rackwatt_exporter.schedulers.slurm.sinfo import VARIABLES, Sinfo

            host = LocalHost(VARIABLES)
            return Sinfo(host, options.path, binding.reading_timeout_s, options.cluster)
        case SlurmSshOptions() as options:
            from rackwatt_exporter.schedulers.slurm.ssh import SlurmSsh

            return SlurmSsh(options, secrets, binding.reading_timeout_s)
        case SlurmRestOptions() as options:
            from rackwatt_exporter.schedulers.slurm.rest import SlurmRest

            return SlurmRest(options, secrets, binding.reading_timeout_s)
        case ExporterOptions() as options:
            from rackwatt_exporter.schedulers.remote import RemoteScheduler

            return RemoteScheduler(options, secrets, binding.reading_timeout_s)
        case NoopOptions() as options:
            from rackwatt_exporter.schedulers.noop import Noop

            return Noop(options)
