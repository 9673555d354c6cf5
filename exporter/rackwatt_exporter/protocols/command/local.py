"""Commands on this host, with the interface of `ssh.SshHost`."""

from collections.abc import Sequence

from rackwatt_exporter.protocols.command.process import (
    LongOutputError,
    ProcessTimeoutError,
    command_failed,
    command_timed_out,
    environment,
    run_process,
)
from rackwatt_exporter.reading import ReadError, Reason


class LocalHost:
    """This host. Nothing is kept between two commands.

    `variables` names the variables of our environment that the commands need; `settings` are more
    of them, such as `NAME=value`.
    """

    def __init__(self, variables: Sequence[str] = (), settings: Sequence[str] = ()) -> None:
        self._variables = variables
        self._settings = settings

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command in the C locale and return what it printed on stdout.

        Raises:
            LongOutputError: bad_reply.
            CommandError: timeout, or command_failed where the exit status is not 0, with the
                first line of stderr; `env` prints one for a missing program.
        """
        try:
            command = ("env", *self._settings, *argv)
            finished = await run_process(command, timeout_s, environment(*self._variables))
        except ProcessTimeoutError as error:
            raise command_timed_out(argv, timeout_s, error) from None
        except OSError as error:
            raise ReadError(Reason.COMMAND_FAILED, f"env: {error.strerror}") from None
        except ValueError as error:
            raise LongOutputError(Reason.BAD_REPLY, str(error)) from None
        if finished.returncode:
            raise command_failed(finished, argv)
        return finished.stdout

    async def close(self) -> None:
        """Nothing is open."""
