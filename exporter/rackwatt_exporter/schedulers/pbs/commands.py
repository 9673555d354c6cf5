"""PBS as its commands report it: pbsnodes for the nodes, qstat for the jobs.

Their options and formats depend on the version. The first format that works is kept until it fails:
JSON of OpenPBS and PBS Professional, XML of Torque, then the text that all but Torque have.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from rackwatt_crds.schedulers import pbs as crd
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import (
    CommandEnvironment,
    Run,
    SchedulerCommands,
    command_options,
    scheduler_commands,
)
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, share
from rackwatt_exporter.schedulers.pbs import json_output, text_output, torque_xml
from rackwatt_exporter.schedulers.pbs.errors import is_format, map_error
from rackwatt_exporter.schedulers.pbs.jobs import jobs
from rackwatt_exporter.schedulers.pbs.listing import Listing
from rackwatt_exporter.schedulers.pbs.nodes import host_of, nodes

# Where PBS is.
VARIABLES = ("PBS_CONF_FILE", "PBS_DEFAULT", "PBS_EXEC", "PBS_SERVER")
# What names the server: to Torque, to OpenPBS.
NAMING = ("PBS_DEFAULT", "PBS_SERVER")
# What changes the commands' output.
OBEYED = ("PBS_QSTAT_EXECONLY", "PBS_QSTAT_NO_COMPLETE")
# The commands print local times without their zone.
UTC = "TZ=UTC0"


class Format(NamedTuple):
    """A command, and what parses its output."""

    command: tuple[str, ...]
    parse: Callable[[bytes], Listing]


# vnodes, since a host with several has no resources of its own; tasks of arrays, since an array
# does not say where they run.
NODE_FORMATS = (
    Format(("pbsnodes", "-av", "-F", "json"), json_output.parse_nodes),
    Format(("pbsnodes", "-x"), torque_xml.parse_nodes),
    Format(("pbsnodes", "-av"), text_output.parse_nodes),
)
JOB_FORMATS = (
    Format(("qstat", "-t", "-f", "-F", "json"), json_output.parse_jobs),
    Format(("qstat", "-t", "-f"), text_output.parse_jobs),
)
TORQUE_JOB_FORMATS = (Format(("qstat", "-t", "-x"), torque_xml.parse_jobs),)


def pbs_scheduler(config: SchedulerConfig, secrets: Secrets) -> "Pbs":
    """Make the scheduler of a binding to PBS."""
    settings = config.settings
    assert isinstance(settings, crd.Pbs)  # noqa: S101 - the registry pairs them
    named = (f"{variable}={settings.server}" for variable in NAMING if settings.server)
    environment = CommandEnvironment(VARIABLES, OBEYED, (UTC, *named))
    options = command_options(settings.cli, settings.ssh)
    commands = scheduler_commands(options, environment, config, secrets)
    return Pbs(commands, reads_jobs=config.reads_jobs)


class Pbs:
    """PBS through the commands of one host."""

    def __init__(self, commands: SchedulerCommands, *, reads_jobs: bool) -> None:
        self._commands = commands
        self._reads_jobs = reads_jobs
        self._formats: dict[Sequence[Format], Format] = {}

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot of every host and, where they are read, every job.

        Where jobs cannot be read, they are not known, and the note says why.

        Raises:
            ReadError: what the host raises; unreachable, timeout, privilege_insufficient where the
                commands say so; bad_reply where no format can be read, or no node is listed.
        """
        run = self._commands.until_deadline()
        listed = await self._listing(run, NODE_FORMATS)
        if not self._reads_jobs:
            return await asyncio.to_thread(make_snapshot, listed, None)
        parse = self._formats[NODE_FORMATS].parse
        formats = TORQUE_JOB_FORMATS if parse is torque_xml.parse_nodes else JOB_FORMATS
        has_json = parse is json_output.parse_nodes
        try:
            queued = await self._queued(run, formats, has_json=has_json)
        except ReadError as error:
            snapshot = await asyncio.to_thread(make_snapshot, listed, None)
            note = f"jobs are not known: {error.reason}: {error}"
            note = "; ".join(filter(None, (snapshot.note, note)))
            return msgspec.structs.replace(snapshot, note=note)
        return await asyncio.to_thread(make_snapshot, listed, queued)

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._commands.close()

    async def _queued(self, run: Run, formats: Sequence[Format], *, has_json: bool) -> Listing:
        """List the jobs. JSON names the server where there is no job: nothing is no answer then."""
        queued = await self._listing(run, formats)
        by_text = self._formats[formats].parse is text_output.parse_jobs
        if has_json and by_text and not queued.records:
            del self._formats[formats]
            raise ReadError(Reason.BAD_REPLY, "qstat printed nothing, not even the server's name")
        return queued

    async def _listing(self, run: Run, formats: Sequence[Format]) -> Listing:
        """Run a command in the format that worked last, else in the first that works."""
        first: ReadError | None = None
        kept = self._formats.pop(formats, None)
        for each in dict.fromkeys(filter(None, (kept, *formats))):
            try:
                listing = await asyncio.to_thread(each.parse, await run(*each.command))
            except ReadError as error:
                if not is_format(error):
                    raise map_error(error) from None
                first = first or error
            else:
                self._formats[formats] = each
                return listing
        raise first or ReadError(Reason.BAD_REPLY, "PBS has no format")


def make_snapshot(listed: Listing, queued: Listing | None) -> SchedulerSnapshot:
    """Join what both commands listed; `queued` None where jobs are not read.

    Raises:
        ReadError: bad_reply where there is no node.
    """
    by_name = share(nodes(listed))
    unread = f"{listed.unread} vnodes could not be read" if listed.unread else ""
    if not by_name:
        raise ReadError(Reason.BAD_REPLY, f"PBS lists no node{unread and f': {unread}'}")
    hosts = {vnode: host_of(vnode, attributes) for vnode, attributes in listed.records.items()}
    found, unread_jobs = jobs(queued, hosts) if queued is not None else (None, 0)
    return SchedulerSnapshot(
        by_name,
        cluster=listed.server or (queued.server if queued else ""),
        version=listed.version,
        unread=listed.unread,
        note=unread,
        jobs=found,
        unread_jobs=unread_jobs,
    )
