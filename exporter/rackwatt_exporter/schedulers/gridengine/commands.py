"""Grid Engine as its commands report it: qhost for the hosts, qstat for queues and jobs."""

import asyncio
import re

from msgspec.structs import replace

from rackwatt_crds.schedulers import gridengine as crd
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
from rackwatt_exporter.schedulers.gridengine import hosts, queues
from rackwatt_exporter.schedulers.gridengine.errors import map_error
from rackwatt_exporter.schedulers.gridengine.jobs import jobs
from rackwatt_exporter.schedulers.gridengine.nodes import nodes
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, share

# Where Grid Engine is.
VARIABLES = (
    "SGE_ROOT",
    "SGE_CELL",
    "SGE_CLUSTER_NAME",
    "SGE_QMASTER_PORT",
    "SGE_EXECD_PORT",
)
# What changes the commands' output.
OBEYED = ("SGE_DEBUG_LEVEL", "SGE_ND", "SGE_SINGLE_LINE")
# qstat prints local times without their zone.
UTC = "TZ=UTC0"
_VERSION = re.compile(rb"^(?:[A-Za-z]+/)?[A-Za-z]*GE ([0-9][0-9A-Za-z._-]{0,38})\s*$", re.MULTILINE)


def gridengine_scheduler(config: SchedulerConfig, secrets: Secrets) -> "GridEngine":
    """Make the scheduler of a binding to Grid Engine."""
    settings = config.settings
    assert isinstance(settings, crd.GridEngine)  # noqa: S101 - the registry pairs them
    place = {"SGE_ROOT": settings.root, "SGE_CELL": settings.cell}
    named = (f"{variable}={value}" for variable, value in place.items() if value is not None)
    environment = CommandEnvironment(VARIABLES, OBEYED, (UTC, *named))
    options = command_options(settings.cli, settings.ssh)
    commands = scheduler_commands(options, environment, config, secrets)
    return GridEngine(commands, reads_jobs=config.reads_jobs)


class GridEngine:
    """Grid Engine through the commands of one host."""

    def __init__(self, commands: SchedulerCommands, *, reads_jobs: bool) -> None:
        self._commands = commands
        self._reads_jobs = reads_jobs
        self._queues = (*queues.QUEUES, *(queues.JOBS if reads_jobs else ()))
        self._version: str | None = None

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot of every execution host and, where they are read, every job.

        Raises:
            ReadError: what the host raises; unreachable, timeout, privilege_insufficient where the
                commands say so; bad_reply where they print no XML or list no host.
        """
        run = self._commands.until_deadline()
        try:
            qhost = await run("qhost", *hosts.ARGUMENTS)
            qstat = await run("qstat", *self._queues)
        except CommandError as error:
            self._version = None  # the next qmaster that answers may be another
            raise map_error(error) from None
        if self._version is None:
            self._version = await _version(run)
        snapshot = await asyncio.to_thread(parse_snapshot, qhost, qstat, self._version)
        return snapshot if self._reads_jobs else replace(snapshot, jobs=None, unread_jobs=0)

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._commands.close()


def parse_snapshot(qhost: bytes, qstat: bytes, version: str) -> SchedulerSnapshot:
    """Join what both commands printed.

    Raises:
        ReadError: bad_reply where it is not their XML, or there is no host.
    """
    listed, queued = hosts.parse_hosts(qhost), queues.parse_queues(qstat)
    found, unread_jobs = jobs(queued)
    unread = listed.unread + queued.unread
    by_name = share(nodes(listed, queued))
    if not by_name:
        words = f": {unread} could not be read" if unread else ""
        raise ReadError(Reason.BAD_REPLY, f"Grid Engine lists no execution host{words}")
    return SchedulerSnapshot(
        by_name,
        version=version,
        unread=unread,
        note=f"{unread} records of hosts and queues could not be read" if unread else "",
        jobs=found,
        unread_jobs=unread_jobs,
    )


def parse_version(help_text: bytes) -> str:
    """Return the version at the head of qstat's help; empty where there is none."""
    match = _VERSION.search(help_text)
    return match[1].decode() if match else ""


async def _version(run: Run) -> str:
    try:
        return parse_version(await run("qstat", "-help"))
    except CommandError:
        return ""  # such as an account that may run few commands
