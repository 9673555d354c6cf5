"""Slurm's own commands on another host, through one kept ssh login."""

import shutil
import tempfile
from functools import partial
from pathlib import Path

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.ssh import SshHost
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import OBEYED, SETTINGS, SlurmCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmSshOptions


class SlurmSsh:
    """One login host, and the private directory that the kept login's socket needs."""

    def __init__(
        self, options: SlurmSshOptions, secrets: Secrets, timeout_s: float, *, jobs: bool
    ) -> None:
        self._control = Path(tempfile.mkdtemp(prefix="rackwatt-"))
        key, known = options.key_secret, options.known_hosts_secret
        host = SshHost(
            options.host,
            port=options.port,
            user=options.user,
            key_file=partial(secrets.path, key, "ssh-privatekey") if key else None,
            known_hosts=partial(secrets.path, known, "known_hosts") if known else None,
            control_directory=self._control,
            without=OBEYED,
            settings=SETTINGS,
        )
        self._commands = SlurmCommands(host, options.path, timeout_s, options.cluster, jobs=jobs)

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot.

        Raises:
            ReadError: what ssh or the commands raise.
        """
        return await self._commands.read()

    async def close(self) -> None:
        """End the login and remove the directory."""
        try:
            await self._commands.close()
        finally:
            shutil.rmtree(self._control, ignore_errors=True)
