"""The source: the accounting file, read where Grid Engine's commands run.

What runs now is not listed: sge_qmaster says of a task that it started a second before what its
line will say. It would be another run, and be counted twice.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.base import BATCH
from rackwatt_accounting.sources.gridengine.accounting_file import parse_file, script
from rackwatt_accounting.sources.selection import within
from rackwatt_crds.schedulers import gridengine as crd
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import (
    CommandEnvironment,
    SchedulerCommands,
    command_options,
    scheduler_commands,
)
from rackwatt_exporter.schedulers.gridengine.commands import OBEYED, VARIABLES
from rackwatt_exporter.schedulers.model.fields import MAX_TIME_S

TIMEOUT_S = 300.0


def gridengine_accounting(config: SchedulerConfig, secrets: Secrets) -> "GridEngineSource":
    """Make the source of a binding to Grid Engine."""
    settings = config.settings
    assert isinstance(settings, crd.GridEngine)  # noqa: S101 - the registry pairs them
    place = {"SGE_ROOT": settings.root, "SGE_CELL": settings.cell}
    named = tuple(f"{variable}={value}" for variable, value in place.items() if value is not None)
    environment = CommandEnvironment(VARIABLES, OBEYED, named)
    options = command_options(settings.cli, settings.ssh)
    return GridEngineSource(scheduler_commands(options, environment, config, secrets))


class GridEngineSource:
    """The accounting of one sge_qmaster."""

    def __init__(self, commands: SchedulerCommands) -> None:
        self._commands = commands

    async def units(self, window: Window) -> AsyncIterator[Sequence[Unit]]:
        """Yield the units that ended since the start of a window, and ran or ended within it.

        Raises:
            ReadError: what the host raises; permission_denied, command_failed where the file
                cannot be read; bad_reply where it is something else.
        """
        found = within(await self._ended(window.from_s), window)
        for first in range(0, len(found), BATCH):
            yield found[first : first + BATCH]

    async def units_by_id(self, ids: Sequence[str], since_s: int) -> AsyncIterator[Sequence[Unit]]:
        """Yield every run since a time of the units with these ids; raises ReadError."""
        wanted = frozenset(ids)
        if wanted:
            async for units in self.units(Window(since_s, MAX_TIME_S)):
                yield [unit for unit in units if unit.id in wanted]

    async def associations(self) -> None:
        """Return None: projects of Grid Engine have no members that are listed."""

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._commands.close()

    async def _ended(self, from_s: int) -> list[Unit]:
        try:
            output = await self._commands.host.run(script(from_s), TIMEOUT_S)
        except CommandError as error:
            raise _unread(error) from None
        return await asyncio.to_thread(parse_file, output)


def _unread(error: CommandError) -> ReadError:
    """Return why the file was not read, with what to do."""
    if "SGE_ROOT" in error.stderr:
        message = "the commands do not find Grid Engine's directory: name it in gridengine.root"
        return ReadError(Reason.COMMAND_FAILED, message)
    if "ermission denied" in error.stderr:
        message = "the accounting file of Grid Engine cannot be read by this user"
        return ReadError(Reason.PERMISSION_DENIED, f"{message} ({error})")
    if "No such file" in error.stderr:
        message = "Grid Engine's directory has no such cell, or no accounting file on this host"
        return ReadError(Reason.COMMAND_FAILED, f"{message} ({error})")
    return error
