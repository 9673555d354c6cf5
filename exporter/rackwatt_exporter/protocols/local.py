"""Commands on this host: what ssh.py does on another one, in the same shape."""

import asyncio
from collections.abc import Sequence

from rackwatt_exporter.protocols.child import command_failed, run_child
from rackwatt_exporter.reading import ReadError, Reason


class LocalHost:
    """This host. Nothing is kept between two commands."""

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command in the C locale and give what it printed on stdout.

        Raises:
            ReadError: timeout, bad_reply.
            CommandError: command_failed, with the first line of stderr, where the command did not
                end well; env tells of one that is not there.
        """
        try:
            async with asyncio.timeout(timeout_s):
                finished = await run_child(("env", "LC_ALL=C", *argv))
        except TimeoutError:
            told = f"{argv[0]} had not ended after {timeout_s:g} s"
            raise ReadError(Reason.TIMEOUT, told) from None
        except OSError as error:
            raise ReadError(Reason.COMMAND_FAILED, f"env: {error.strerror}") from None
        except ValueError as error:
            raise ReadError(Reason.BAD_REPLY, str(error)) from None
        if finished.code:
            raise command_failed(finished, argv)
        return finished.output

    async def close(self) -> None:
        """Nothing is open."""
