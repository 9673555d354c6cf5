"""A scheduler's own commands: on this machine, or on another one through one kept ssh login."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from rackwatt_crds.endpoints import SSH_PORT
from rackwatt_crds.schedulers.commands import Cli, Ssh
from rackwatt_exporter.config.options import merge_layers
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.protocols.command.ssh import SshHost
from rackwatt_exporter.reading import ReadError, Reason


@dataclass(frozen=True, slots=True)
class CliOptions:
    """Commands on this machine; `path` None means found through PATH."""

    path: str | None = None


@dataclass(frozen=True, slots=True)
class SshOptions:
    """Commands on another machine; None means what ssh itself would take."""

    host: str = ""
    port: int = SSH_PORT
    user: str | None = None
    path: str | None = None
    key_secret: str | None = None
    known_hosts_secret: str | None = None


CommandOptions = CliOptions | SshOptions


def command_options(cli: Cli | None, ssh: Ssh | None) -> CommandOptions:
    """Fill in the defaults of the interface that a document chooses.

    Raises:
        ValueError: it chooses neither.
    """
    if cli is not None:
        return merge_layers(CliOptions, cli)
    if ssh is not None:
        return merge_layers(SshOptions, ssh)
    raise ValueError("the document has neither cli nor ssh")


@dataclass(frozen=True, slots=True)
class CommandEnvironment:
    """What a scheduler's commands get beside the environment that all commands have.

    `variables` of ours are passed on to commands on this machine. On another one, those in
    `without` are removed from what its login shell made: they change what commands print.
    `settings` such as `NAME=value` are for both.
    """

    variables: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


class CommandRunner(Protocol):
    """Where commands run, one at a time."""

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command and return what it printed on stdout; raises ReadError."""
        ...

    async def close(self) -> None:
        """End what is open."""
        ...


def command_runner(
    options: CommandOptions, secrets: Secrets, environment: CommandEnvironment
) -> CommandRunner:
    """Return where the commands of a document run; nothing is open yet."""
    if isinstance(options, SshOptions):
        return LoginHost(options, secrets, environment)
    return LocalHost(environment.variables, environment.settings)


class LoginHost:
    """A host that commands run on through ssh, and the directory of the kept login's socket."""

    def __init__(
        self, options: SshOptions, secrets: Secrets, environment: CommandEnvironment
    ) -> None:
        self._control = Path(tempfile.mkdtemp(prefix="rackwatt-"))
        key, known = options.key_secret, options.known_hosts_secret
        self._host = SshHost(
            options.host,
            port=options.port,
            user=options.user,
            key_file=partial(secrets.path, key, "ssh-privatekey") if key else None,
            known_hosts=partial(secrets.path, known, "known_hosts") if known else None,
            control_directory=self._control,
            without=environment.without,
            settings=environment.settings,
        )

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command there and return what it printed on stdout.

        Raises:
            ReadError: what ssh and the command raise.
        """
        return await self._host.run(argv, timeout_s)

    async def close(self) -> None:
        """End the login and remove the directory."""
        try:
            await self._host.close()
        finally:
            shutil.rmtree(self._control, ignore_errors=True)


Run = Callable[..., Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class SchedulerCommands:
    """A scheduler's commands on one host; `folder` is where they are, None where PATH has them.

    `timeout_s` is how long a reading may take, of however many commands it is.
    """

    host: CommandRunner
    folder: str | None
    timeout_s: float

    def until_deadline(self, timeout_s: float | None = None) -> Run:
        """Return a function that runs commands until one deadline: that of a reading, or sooner."""
        clock = asyncio.get_running_loop().time
        deadline_s = clock() + (self.timeout_s if timeout_s is None else timeout_s)
        prefix = f"{self.folder.rstrip('/')}/" if self.folder else ""

        async def run(program: str, *arguments: str) -> bytes:
            left_s = deadline_s - clock()
            if left_s <= 0:
                message = f"the commands before {program} took all the time that a poll has"
                raise ReadError(Reason.TIMEOUT, message)
            return await self.host.run((prefix + program, *arguments), left_s)

        return run

    async def close(self) -> None:
        """End what the host keeps open."""
        await self.host.close()


def scheduler_commands(
    options: CommandOptions,
    environment: CommandEnvironment,
    config: SchedulerConfig,
    secrets: Secrets,
) -> SchedulerCommands:
    """Return the commands of a binding, with the options of the interface that it chooses."""
    host = command_runner(options, secrets, environment)
    return SchedulerCommands(host, options.path, config.reading_timeout_s)
