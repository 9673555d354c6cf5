"""The ways to Slurm's accounting: sacct here or elsewhere, and slurmrestd.

Modules are imported when first needed: a site with the commands does not pay for HTTP.
"""

from rackwatt_accounting.sources.base import AccountingSource
from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.commands import scheduler_commands
from rackwatt_exporter.schedulers.slurm.options import (
    SlurmCommandOptions,
    SlurmRestOptions,
    slurm_options,
)


def slurm_accounting(config: SchedulerConfig, secrets: Secrets) -> AccountingSource:
    """Make the source of a binding to Slurm.

    Raises:
        ValueError: the interface that it chooses has the jobs of now alone.
    """
    assert isinstance(config.settings, Slurm)  # noqa: S101 - the registry pairs them
    options = slurm_options(config.settings)
    if isinstance(options, SlurmRestOptions):
        from rackwatt_accounting.sources.slurm.rest import SlurmRestSource

        return SlurmRestSource(options, secrets)
    if not isinstance(options, SlurmCommandOptions):
        raise ValueError(
            "slurm.openMetrics has no accounting: choose slurm.cli, slurm.ssh or slurm.rest"
        )
    from rackwatt_accounting.sources.slurm.sacct import ENVIRONMENT, SacctSource

    commands = scheduler_commands(options.commands, ENVIRONMENT, config, secrets)
    return SacctSource(commands, options.cluster)
