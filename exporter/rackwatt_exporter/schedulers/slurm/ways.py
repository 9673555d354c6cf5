"""The ways to Slurm: its commands on this machine or another one, and slurmrestd.

Modules are imported when first needed: a site with the commands does not pay for HTTP.
"""

from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.base import Scheduler
from rackwatt_exporter.schedulers.slurm.options import (
    SlurmCliOptions,
    SlurmRestOptions,
    SlurmSshOptions,
    slurm_options,
)


def slurm_scheduler(config: SchedulerConfig, secrets: Secrets) -> Scheduler:
    """Make the scheduler of a binding to Slurm."""
    assert isinstance(config.settings, Slurm)  # noqa: S101 - the registry pairs them
    timeout_s, jobs = config.reading_timeout_s, config.metrics.reads_jobs
    match slurm_options(config.settings):
        case SlurmCliOptions() as options:
            from rackwatt_exporter.protocols.command.local import LocalHost
            from rackwatt_exporter.schedulers.slurm.commands import (
                SETTINGS,
                VARIABLES,
                SlurmCommands,
            )

            host = LocalHost(VARIABLES, SETTINGS)
            return SlurmCommands(host, options.path, timeout_s, options.cluster, jobs=jobs)
        case SlurmSshOptions() as options:
            from rackwatt_exporter.schedulers.slurm.ssh import SlurmSsh

            return SlurmSsh(options, secrets, timeout_s, jobs=jobs)
        case SlurmRestOptions() as options:
            from rackwatt_exporter.schedulers.slurm.rest import SlurmRest

            return SlurmRest(options, secrets, timeout_s, jobs=jobs)
