"""The ways to ask a scheduler: a new one is a module of its own and a row here.

Modules are imported when first needed: a site with sinfo does not pay for httpx.
"""

from rackwatt_exporter.schedulers.scheduler import Scheduler
from rackwatt_exporter.settings.binding import (
    Binding,
    ExporterOptions,
    NoopOptions,
    SlurmCliOptions,
    SlurmRestOptions,
    SlurmSshOptions,
)
from rackwatt_exporter.settings.secrets import Secrets


def scheduler(binding: Binding, secrets: Secrets) -> Scheduler:
    """Make the scheduler of a binding; it does not ask it anything yet."""
    match binding.options:
        case SlurmCliOptions() as options:
            from rackwatt_exporter.protocols.local import LocalHost
            from rackwatt_exporter.schedulers.sinfo import VARIABLES, Sinfo

            host = LocalHost(VARIABLES)
            return Sinfo(host, options.path, binding.reading_timeout_s, options.cluster)
        case SlurmSshOptions() as options:
            from rackwatt_exporter.schedulers.slurm_ssh import SlurmSsh

            return SlurmSsh(options, secrets, binding.reading_timeout_s)
        case SlurmRestOptions() as options:
            from rackwatt_exporter.schedulers.slurm_rest import SlurmRest

            return SlurmRest(options, secrets, binding.reading_timeout_s)
        case ExporterOptions() as options:
            from rackwatt_exporter.schedulers.exporter import ExporterScheduler

            return ExporterScheduler(options, secrets, binding.reading_timeout_s)
        case NoopOptions() as options:
            from rackwatt_exporter.schedulers.noop import Noop

            return Noop(options)
