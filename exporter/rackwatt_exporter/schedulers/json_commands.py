"""A scheduler whose own commands print JSON: one for its nodes, one for its jobs.

Where jobs cannot be read, the nodes still are, and jobs are not known: never none.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rackwatt_crds.schedulers.commands import Cli, Ssh
from rackwatt_crds.wording import counted
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import (
    CommandEnvironment,
    Run,
    SchedulerCommands,
    command_options,
    scheduler_commands,
)
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, share

_NO_PROGRAM = re.compile(r"env: .*: No such file or directory")  # of env, in the C locale


class Nodes(NamedTuple):
    """Nodes by name, and how many records of nodes could not be read."""

    nodes: Mapping[str, SchedulerNode]
    unread: int = 0


class Jobs(NamedTuple):
    """Jobs, None where they are not known, and how many records of jobs could not be read."""

    jobs: tuple[Job, ...] | None = None
    unread: int = 0


@dataclass(frozen=True, slots=True)
class JsonCommands:
    """A scheduler's commands, and how to read them.

    `failures` are parts of what they print on stderr, in lower case, with the reasons they mean.
    """

    name: str
    environment: CommandEnvironment
    nodes: Callable[[Run], Awaitable[Nodes]]
    jobs: Callable[[Run], Awaitable[Jobs]]
    version: Callable[[Run], Awaitable[str]]
    failures: tuple[tuple[str, Reason], ...]


def json_scheduler(
    kind: JsonCommands,
    interfaces: tuple[Cli | None, Ssh | None],
    config: SchedulerConfig,
    secrets: Secrets,
) -> "JsonScheduler":
    """Make the scheduler of a binding, with the interface that its document chooses."""
    options = command_options(*interfaces)
    commands = scheduler_commands(options, kind.environment, config, secrets)
    return JsonScheduler(kind, commands, jobs=config.reads_jobs)


class JsonScheduler:
    """A scheduler's commands on one host, and how to read them."""

    def __init__(self, kind: JsonCommands, commands: SchedulerCommands, *, jobs: bool) -> None:
        self._kind = kind
        self._commands = commands
        self._reads_jobs = jobs
        self._version: str | None = None

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot of every node and every job.

        Raises:
            ReadError: what the host raises; the reason of what the command prints on stderr;
                bad_reply where it prints no JSON or lists no node.
        """
        run = self._commands.until_deadline()
        try:
            listed = await self._kind.nodes(run)
        except CommandError as error:
            self._version = None  # the next release that answers may be another
            raise self._map_error(error) from None
        if not listed.nodes:
            unread = f": {counted(listed.unread, 'record')} could not be read"
            words = f"{self._kind.name} lists no node{unread if listed.unread else ''}"
            raise ReadError(Reason.BAD_REPLY, words)
        jobs, note = await self._jobs(run)
        if self._version is None:  # last: it is what can be done without
            self._version = await self._read_version(run)
        return SchedulerSnapshot(
            share(listed.nodes.items()),
            version=self._version,
            unread=listed.unread,
            note="; ".join(filter(None, (_unread(listed.unread, "node"), note))),
            jobs=jobs.jobs,
            unread_jobs=jobs.unread,
        )

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._commands.close()

    async def _jobs(self, run: Run) -> tuple[Jobs, str]:
        """Read the jobs; where that fails they are not known, and the note says why."""
        if not self._reads_jobs:
            return Jobs(), ""
        try:
            jobs = await self._kind.jobs(run)
        except ReadError as failure:
            error = self._map_error(failure)
            return Jobs(), f"jobs are not known: {error.reason}: {error}"
        return jobs, _unread(jobs.unread, "job")

    async def _read_version(self, run: Run) -> str:
        try:
            return await self._kind.version(run)
        except ReadError:
            return ""  # such as an account that may run few commands

    def _map_error(self, error: ReadError) -> ReadError:
        """Return the reason that a command's own words mean, with these words."""
        if isinstance(error, CommandError):
            if _NO_PROGRAM.match(error.stderr):
                message = f"there is no such command: install {self._kind.name}'s commands, or name"
                return ReadError(error.reason, f"{message} their directory in `path` ({error})")
            lowered = error.stderr.lower()
            for phrase, reason in self._kind.failures:
                if phrase in lowered:
                    return ReadError(reason, f"{self._kind.name}: {error}")
        return error


def _unread(number: int, noun: str) -> str:
    return f"{counted(number, f'{noun} record')} could not be read" if number else ""
