"""Slurm's accounting by its own `sacct` and `sacctmgr`, on whichever host they run.

Each command is about a bounded time: without `-S` Slurm looks for ids in all of its history, which
has brought databases down. No states are named: sacct then lists what overlaps the window,
whatever became of it. TZ is UTC, in whichever zone the host is, so that the window is the one that
is meant, in the hour too that a change of the clock repeats.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from rackwatt_accounting.model.associations import Associations
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.selection import within
from rackwatt_accounting.sources.slurm.failures import map_error
from rackwatt_accounting.sources.slurm.sacct_output import FIELDS, SacctOutput, new_delimiter
from rackwatt_accounting.sources.slurm.sacctmgr import (
    accounts_command,
    associations_command,
    parse_associations,
)
from rackwatt_exporter.protocols.command.process import CommandError, LongOutputError
from rackwatt_exporter.schedulers.commands import CommandEnvironment, SchedulerCommands
from rackwatt_exporter.schedulers.model.fields import MAX_TIME_S
from rackwatt_exporter.schedulers.slurm.commands import OBEYED, VARIABLES

# A day of a large cluster takes sacct seconds; a database that is busy, minutes.
TIMEOUT_S = 300.0
# The answer about so many ids takes a quarter of a second, and a command line has room for them.
IDS = 300
ENVIRONMENT = CommandEnvironment(
    VARIABLES,
    (*OBEYED, "SACCT_FEDERATION", "SACCT_LOCAL"),
    ("SLURM_TIME_FORMAT=%s", "TZ=UTC"),
)
_SHORTEST_S = 60  # of a window that is read in halves
_PIECE = 2**19  # bytes, of some 1,500 records


class SacctSource:
    """The accounting of one cluster by commands; `cluster` None is the one they belong to."""

    def __init__(self, commands: SchedulerCommands, cluster: str | None = None) -> None:
        self._commands = commands
        self._cluster = cluster
        whose = ("-M", cluster) if cluster else ("--local",)
        self._arguments = (*whose, "-a", "-D", "-X", "-p", "--noconvert", f"-o{','.join(FIELDS)}")

    async def units(self, window: Window) -> AsyncIterator[Sequence[Unit]]:
        """Yield the units that ran or ended within a window.

        Raises:
            ReadError: what the host raises; unreachable, auth_failed, timeout where sacct says so;
                bad_reply where it prints something else, or half of a record.
        """
        try:
            async for units in self._list("-S", _time(window.from_s), "-E", _time(window.to_s)):
                if found := within(units, window):
                    yield found
        except LongOutputError:
            # It came before any record of the window was read.
            if window.seconds <= _SHORTEST_S:
                raise
            async for some in self._halves(window):
                yield some

    async def units_by_id(self, ids: Sequence[str], since_s: int) -> AsyncIterator[Sequence[Unit]]:
        """Yield every run since a time of the units with these ids; raises ReadError."""
        window = Window(since_s, MAX_TIME_S)
        for first in range(0, len(ids), IDS):
            some = ids[first : first + IDS]
            wanted = frozenset(some)
            bounds = ("-S", _time(since_s), "-E", "now")
            async for units in self._list(*bounds, "-j", ",".join(some)):
                # The id of an array lists all of its tasks.
                if found := [unit for unit in within(units, window) if unit.id in wanted]:
                    yield found

    async def associations(self) -> Associations:
        """Return the accounts and users of the cluster; raises ReadError."""
        associations = await self._output(*associations_command(self._cluster))
        accounts = await self._output(*accounts_command())
        return await asyncio.to_thread(parse_associations, associations, accounts)

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._commands.close()

    async def _halves(self, window: Window) -> AsyncIterator[Sequence[Unit]]:
        """Yield the units of a window that has too many for one output, each once."""
        middle_s = (window.from_s + window.to_s) // 2
        async for units in self.units(Window(window.from_s, middle_s)):
            yield units
        async for units in self.units(Window(middle_s, window.to_s)):
            # What started before came with the first half, in which it ran.
            if new := [unit for unit in units if unit.started_at_s >= middle_s]:
                yield new

    async def _list(self, *selection: str) -> AsyncIterator[list[Unit]]:
        delimiter = new_delimiter()
        arguments = (*self._arguments, f"--delimiter={delimiter}", *selection)
        output = await self._output("sacct", *arguments)
        parser = SacctOutput(delimiter)
        for start in range(0, len(output), _PIECE):
            # In another thread: the event loop answers people meanwhile.
            yield await asyncio.to_thread(parser.feed, output[start : start + _PIECE])
        parser.end()

    async def _output(self, program: str, *arguments: str) -> bytes:
        try:
            return await self._commands.until_deadline(TIMEOUT_S)(program, *arguments)
        except CommandError as error:
            raise map_error(error, program, self._cluster) from None


def _time(time_s: int) -> str:
    """Return a time as sacct takes it, in UTC, which is its TZ."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
