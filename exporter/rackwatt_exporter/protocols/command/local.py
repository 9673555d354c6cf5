"""Commands on this host: what ssh.py does on another one, in the same shape."""

from collections.abc import Sequence

from rackwatt_exporter.protocols.command.process import (
    OverdueError,
    command_failed,
    command_overdue,
    environment,
    run_process,
)
from rackwatt_exporter.reading import ReadError, Reason


class LocalHost:
    """This host. Nothing is kept between two commands.

    `variables` names those of our environment that the commands need.
    """

    def __init__(self, variables: Sequence[str] = ()) -> None:
        self._variables = variables

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command in the C locale and give what it printed on stdout.

        Raises:
            ReadError: bad_reply.
            CommandError: timeout, or command_failed where the command did not end well, with the
                first line of stderr; env names one that is not there.
        """
        try:
            finished = await run_process(("env", *argv), timeout_s, environment(*self._variables))
        except OverdueError as overdue:
            raise command_overdue(argv, timeout_s, overdue.errors) from None
        except OSError as error:
            raise ReadError(Reason.COMMAND_FAILED, f"env: {error.strerror}") from None
        except ValueError as error:
            raise ReadError(Reason.BAD_REPLY, str(error)) from None
        if finished.code:
            raise command_failed(finished, argv)
        return finished.output

    async def close(self) -> None:
        """Nothing is open."""
