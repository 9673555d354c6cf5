"""A child process that cannot outlive its question: bounded output, killed when nobody waits.

Plain `communicate()` would keep all that a broken program prints, and would wait for stderr's end,
which whatever the program left running behind it may hold open long after it is done.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, cast

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason

OUTPUT_LIMIT = 8 * 1024 * 1024
ERRORS_LIMIT = 4096
STDERR_GRACE_S = 0.2
REAP_TIMEOUT_S = 1.0
# What commands get of our own environment: where programs and libraries are, and who runs them.
# Nothing else: a site's variables change what commands print (docs/security.md).
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH", "TMPDIR")


class CompletedProcess(NamedTuple):
    """What a child left behind; `code` is negative for the signal that ended it."""

    code: int
    output: bytes
    errors: bytes


class CommandError(ReadError):
    """The command ran and did not end well; `said` is what it printed on stderr."""

    def __init__(self, reason: Reason, message: str, said: str) -> None:
        super().__init__(reason, message)
        self.said = said


class OverdueError(Exception):
    """A child was ended by its deadline; `errors` is what it had printed on stderr by then."""

    def __init__(self, errors: bytes) -> None:
        super().__init__()
        self.errors = errors


def environment(*names: str) -> dict[str, str]:
    """Make the environment of a command: few variables, the C locale, and those that are named."""
    passed_on = (*_PASSED_ON, *names)
    return {name: os.environ[name] for name in passed_on if name in os.environ} | {"LC_ALL": "C"}


async def run_process(
    argv: Sequence[str], timeout_s: float | None = None, env: Mapping[str, str] | None = None
) -> CompletedProcess:
    """Run a program with nothing on its stdin and give what it printed.

    `env` None is our own environment. Cancelled or overdue, it kills the child with all its process
    group, and sees it reaped.

    Raises:
        OSError: the program cannot be started.
        OverdueError: it had not ended after `timeout_s`.
        ValueError: it printed more than OUTPUT_LIMIT bytes.
    """
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        _Child, *argv, stdin=asyncio.subprocess.DEVNULL, start_new_session=True, env=env
    )
    try:
        async with asyncio.timeout(timeout_s):
            await protocol.done
        code = transport.get_returncode()
    except TimeoutError:
        raise OverdueError(bytes(protocol.errors)) from None
    finally:
        await _end(transport, protocol)
    if len(protocol.output) > OUTPUT_LIMIT:
        raise ValueError(f"{argv[0]} printed more than {OUTPUT_LIMIT} bytes")
    return CompletedProcess(cast(int, code), bytes(protocol.output), bytes(protocol.errors))


def command_failed(finished: CompletedProcess, argv: Sequence[str]) -> CommandError:
    """Tell of a command that ended with another status than 0."""
    said = finished.errors.decode("utf-8", "replace")
    told = f"{argv[0]} ended with status {finished.code}: {one_line(said, 0)}"
    return CommandError(Reason.COMMAND_FAILED, told, said)


def command_overdue(argv: Sequence[str], timeout_s: float, errors: bytes = b"") -> CommandError:
    """Describe a command that its deadline has ended, in its own words where there are any."""
    said = errors.decode("utf-8", "replace")
    words = f": {one_line(said, 0)}" if said.strip() else ""
    message = f"{argv[0]} had not ended after {timeout_s:.3g} s{words}"
    return CommandError(Reason.TIMEOUT, message, said)


def one_line(said: str, which: int) -> str:
    """Pick a line that is not empty, fit for a message."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
    return printable(lines[which])


async def _end(transport: asyncio.SubprocessTransport, child: "_Child") -> None:
    """Let go of a child; one that still runs is killed, and what a wrapper started with it."""
    if transport.get_returncode() is None:  # until it is reaped, the group's number is its own
        with suppress(ProcessLookupError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        await asyncio.wait([child.exited], timeout=REAP_TIMEOUT_S)
    transport.close()


class _Child(asyncio.SubprocessProtocol):
    """Gathers both outputs; done when the child has gone and its outputs have ended."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.errors = bytearray()
        loop = asyncio.get_running_loop()
        self.done = loop.create_future()
        self.exited = loop.create_future()
        self._waiting = {"exit", 1, 2}

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self.errors += data[: ERRORS_LIMIT - len(self.errors)]
            return
        self.output += data
        if len(self.output) > OUTPUT_LIMIT:
            self._finish()

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        self._ended(fd)

    def process_exited(self) -> None:
        self.exited.set_result(None)
        self._ended("exit")

    def _ended(self, what: int | str) -> None:
        self._waiting.discard(what)
        if not self._waiting:
            self._finish()
        elif self._waiting == {2}:
            asyncio.get_running_loop().call_later(STDERR_GRACE_S, self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
