"""The ways to Slurm: its commands here or elsewhere, slurmrestd, and slurmctld's own metrics.

Modules are imported when first needed: a site with the commands does not pay for HTTP.
"""

import os
import pwd

from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.base import Scheduler
from rackwatt_exporter.schedulers.commands import CommandOptions, SshOptions, scheduler_commands
from rackwatt_exporter.schedulers.slurm.auth import TokenTimes, token_times
from rackwatt_exporter.schedulers.slurm.options import (
    SlurmMetricsOptions,
    SlurmRestOptions,
    slurm_options,
)
from rackwatt_exporter.schedulers.slurm.subjects import wanted

_VARIABLE = "SLURM_JWT"


def slurm_scheduler(config: SchedulerConfig, secrets: Secrets) -> Scheduler:
    """Make the scheduler of a binding to Slurm."""
    assert isinstance(config.settings, Slurm)  # noqa: S101 - the registry pairs them
    jobs, subjects = config.reads_jobs, wanted(config.subjects)
    options = slurm_options(config.settings)
    if isinstance(options, SlurmRestOptions):
        from rackwatt_exporter.schedulers.slurm.rest import SlurmRest

        return SlurmRest(options, secrets, config.reading_timeout_s, jobs=jobs, subjects=subjects)
    if isinstance(options, SlurmMetricsOptions):
        from rackwatt_exporter.schedulers.slurm.open_metrics import SlurmOpenMetrics

        fields = {subject.field for subject in subjects}
        return SlurmOpenMetrics(options, secrets, config.reading_timeout_s, fields)
    from rackwatt_exporter.schedulers.slurm.commands import ENVIRONMENT, SlurmCommands

    commands = scheduler_commands(options.commands, ENVIRONMENT, config, secrets)
    user, token = user_of(options.commands), token_of(options.commands)
    return SlurmCommands(
        commands, options.cluster, jobs=jobs, subjects=subjects, user=user, token=token
    )


def token_of(commands: CommandOptions) -> TokenTimes:
    """Return the times of the token in our environment; commands on another host do not get it."""
    here = not isinstance(commands, SshOptions)
    return token_times(os.environ.get(_VARIABLE, "")) if here else TokenTimes()


def user_of(commands: CommandOptions) -> str:
    """Return who runs the commands; empty where only the configuration of ssh says it."""
    if isinstance(commands, SshOptions):
        return commands.user or ""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container runs as a uid without a name
        return str(os.geteuid())
