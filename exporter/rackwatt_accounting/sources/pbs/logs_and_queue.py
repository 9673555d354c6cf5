"""The source: the accounting logs on the host of pbs_server, and qstat for what runs now.

The logs have a run at its end. So a window has what ended in it, and what runs now; of what ended
after it the unit comes with the window of its end. The commands run where the logs are.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.base import BATCH
from rackwatt_accounting.sources.pbs.accounting_log import parse_logs, script
from rackwatt_accounting.sources.pbs.unit import is_array, make_unit
from rackwatt_accounting.sources.selection import within
from rackwatt_crds.schedulers import pbs as crd
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
from rackwatt_exporter.schedulers.model.fields import MAX_TIME_S
from rackwatt_exporter.schedulers.model.job_state import ACTIVE
from rackwatt_exporter.schedulers.pbs import states
from rackwatt_exporter.schedulers.pbs.commands import (
    JOB_FORMATS,
    NAMING,
    OBEYED,
    TORQUE_JOB_FORMATS,
    VARIABLES,
)
from rackwatt_exporter.schedulers.pbs.commands import (
    UTC as UTC_SETTING,
)
from rackwatt_exporter.schedulers.pbs.errors import is_format, map_error
from rackwatt_exporter.schedulers.pbs.listing import Listing
from rackwatt_exporter.schedulers.pbs.values import text, time_s

TIMEOUT_S = 300.0
_ZONE_S = 14 * 3600  # how far local dates are from those of UTC


def pbs_accounting(config: SchedulerConfig, secrets: Secrets) -> "PbsSource":
    """Make the source of a binding to PBS."""
    settings = config.settings
    assert isinstance(settings, crd.Pbs)  # noqa: S101 - the registry pairs them
    named = (f"{variable}={settings.server}" for variable in NAMING if settings.server)
    environment = CommandEnvironment(VARIABLES, OBEYED, (UTC_SETTING, *named))
    options = command_options(settings.cli, settings.ssh)
    return PbsSource(scheduler_commands(options, environment, config, secrets))


class PbsSource:
    """The accounting of one pbs_server."""

    def __init__(self, commands: SchedulerCommands) -> None:
        self._commands = commands

    async def units(self, window: Window) -> AsyncIterator[Sequence[Unit]]:
        """Yield the units that ended within a window, and those that run now.

        Raises:
            ReadError: what the host raises; permission_denied where the logs cannot be read;
                bad_reply where they, or qstat, are something else.
        """
        # What runs is listed first: a job that ends meanwhile is in the logs, too, as ended.
        running = await self._running()
        ended = await self._ended(window)
        keys = {unit.key for unit in ended}
        found = within([*(one for one in running if one.key not in keys), *ended], window)
        for first in range(0, len(found), BATCH):
            yield found[first : first + BATCH]

    async def units_by_id(self, ids: Sequence[str], since_s: int) -> AsyncIterator[Sequence[Unit]]:
        """Yield every run since a time of the units with these ids; raises ReadError."""
        wanted = frozenset(ids)
        if wanted:
            async for units in self.units(Window(since_s, MAX_TIME_S)):
                yield [unit for unit in units if unit.id in wanted]

    async def associations(self) -> None:
        """Return None: PBS has no accounts of its own."""

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._commands.close()

    async def _ended(self, window: Window) -> list[Unit]:
        first, last = _date(window.from_s - _ZONE_S), _date(window.to_s + _ZONE_S)
        try:
            output = await self._commands.host.run(script(first, last), TIMEOUT_S)
        except CommandError as error:
            raise _unread(error) from None
        return await asyncio.to_thread(parse_logs, output)

    async def _running(self) -> list[Unit]:
        run = self._commands.until_deadline(TIMEOUT_S)
        first: ReadError | None = None
        for form in (*JOB_FORMATS, *TORQUE_JOB_FORMATS):
            try:
                listing = await asyncio.to_thread(form.parse, await run(*form.command))
            except ReadError as error:
                if not is_format(error):
                    raise map_error(error) from None
                first = first or error
            else:
                return running(listing)
        raise first or ReadError(Reason.BAD_REPLY, "qstat has no format")


def running(listing: Listing) -> list[Unit]:
    """Return the jobs that hold something now; raises ReadError where one cannot be read."""
    if listing.unread:
        raise ReadError(Reason.BAD_REPLY, f"{listing.unread} jobs of qstat could not be read")
    units = []
    for job_id, attributes in listing.records.items():
        state, _ = states.job_state(text(attributes.get("job_state")).strip())
        started_at_s = time_s(attributes.get("stime") or attributes.get("start_time"))
        if state in ACTIVE and started_at_s is not None and not is_array(job_id):
            units.append(make_unit(job_id, attributes, started_at_s, None, state))
    return units


def _date(time_s: int) -> str:
    return datetime.fromtimestamp(min(time_s, 2**37), UTC).strftime("%Y%m%d")


def _unread(error: CommandError) -> ReadError:
    """Return why the logs were not read, with what to do; a shell says no more than `can't cd`."""
    if "can't cd" in error.stderr or "ermission denied" in error.stderr:
        message = (
            "there are no accounting logs of PBS that this user may read: the commands must run on"
            " pbs_server's own host, as a user who may read server_priv (by default root alone)"
        )
        return ReadError(Reason.PERMISSION_DENIED, f"{message} ({error})")
    return error
