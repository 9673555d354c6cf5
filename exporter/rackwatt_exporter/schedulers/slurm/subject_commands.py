"""Subjects of Slurm by its own commands: in JSON where they have it, in text where they do not.

`scontrol` and `sdiag` of Slurm 22.05 know no --json, and a newer one may lack the plugin that
writes it. What worked is printed from then on: one command for each reading.
"""

import asyncio

from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import Run, SchedulerCommands
from rackwatt_exporter.schedulers.slurm.command_errors import map_error
from rackwatt_exporter.schedulers.slurm.subject import Form, Parsed, SlurmSubject

# After these the same command in another form would fail too.
_FINAL = (Reason.TIMEOUT, Reason.UNREACHABLE, Reason.AUTH_FAILED, Reason.PRIVILEGE_INSUFFICIENT)


class SubjectCommands:
    """Slurm's commands on one host: as many forms of each subject as were tried."""

    def __init__(self, commands: SchedulerCommands, cluster: str | None) -> None:
        self._commands = commands
        self._cluster = cluster
        self._forms: dict[str, int] = {}

    def forget(self) -> None:
        """Try the best form again: the next Slurm that answers may be another."""
        self._forms.clear()

    async def ask(self, subject: SlurmSubject, timeout_s: float) -> Parsed:
        """Print a subject in the form that worked last, or the first one that works.

        Raises:
            ReadError: that of the last form.
        """
        run = self._commands.until_deadline(timeout_s)
        first = self._forms.get(subject.field, 0)
        for index, form in enumerate(subject.forms[first:], first):
            try:
                parsed = await self._print(form, run)
            except ReadError as error:
                if error.reason in _FINAL or form is subject.forms[-1]:
                    raise
                continue
            self._forms[subject.field] = index
            return parsed
        raise AssertionError("a subject has a form")

    async def _print(self, form: Form, run: Run) -> Parsed:
        commands = (form.before, form.command) if form.before else (form.command,)
        outputs = [await self._output(run, *command(self._cluster)) for command in commands]
        return await asyncio.to_thread(form.parse, b"\n".join(outputs))

    async def _output(self, run: Run, program: str, *arguments: str) -> bytes:
        try:
            return await run(program, *arguments)
        except CommandError as error:
            raise map_error(error, program, self._cluster) from None
