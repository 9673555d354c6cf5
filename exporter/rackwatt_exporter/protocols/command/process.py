"""Child processes with a deadline and bounded output, killed on cancellation.

`communicate()` of asyncio would keep all that a broken program prints. It would also wait for the
end of stderr, which a process left in the background may hold open long after the program exits.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from typing import NamedTuple, cast

from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.command import stuck
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.received import count_received

OUTPUT_LIMIT = 64 * 1024 * 1024
STDERR_LIMIT = 4096
STDERR_GRACE_S = 0.2
REAP_TIMEOUT_S = 1.0
# Variables of our environment that commands inherit: where programs and libraries are, and who runs
# them. No others: a site's variables change what commands print (docs/security.md).
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH", "TMPDIR")


_KEPT_OPEN = (
    "Let the wrapper of the command start what stays behind with its output closed: `>/dev/null "
    "2>&1 &`."
)


class CompletedProcess(NamedTuple):
    """Exit status and output of a child; `returncode` is negative for the signal that ended it."""

    returncode: int
    stdout: bytes
    stderr: bytes


class CommandError(ReadError):
    """The command ran and failed; `stderr` is what it printed there."""

    def __init__(self, reason: Reason, message: str, stderr: str) -> None:
        super().__init__(reason, message)
        self.stderr = stderr


class LongOutputError(ReadError):
    """The command printed more than is kept of an output: a shorter one may be had."""


class ProcessTimeoutError(Exception):
    """A child was killed at its deadline; `stderr` is what it had printed there by then.

    `exited` is that the child itself had ended, and a process that it started had its output open.
    """

    def __init__(self, stderr: bytes, *, exited: bool = False) -> None:
        super().__init__()
        self.stderr = stderr
        self.exited = exited


def environment(*names: str) -> dict[str, str]:
    """Return the environment of a command: few variables, the C locale, and those named."""
    passed_on = (*_PASSED_ON, *names)
    return {name: os.environ[name] for name in passed_on if name in os.environ} | {"LC_ALL": "C"}


async def run_process(
    argv: Sequence[str], timeout_s: float | None = None, env: Mapping[str, str] | None = None
) -> CompletedProcess:
    """Run a program with an empty stdin and return what it printed.

    `env` None is our own environment. On cancellation and at the deadline, the child is killed with
    its process group, and reaped. One that hangs in the kernel is left there.

    Raises:
        OSError: the program cannot be started.
        ProcessTimeoutError: it had not exited after `timeout_s`; or it was killed earlier, and
            still hangs in the kernel: its stderr says so.
        ValueError: it printed more than OUTPUT_LIMIT bytes.
    """
    if pid := stuck.hanging(argv):
        words = f"process {pid}, which was killed earlier, still hangs in the kernel"
        raise ProcessTimeoutError(words.encode())
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        _Child, *argv, stdin=asyncio.subprocess.DEVNULL, start_new_session=True, env=env
    )
    try:
        async with asyncio.timeout(timeout_s):
            await protocol.done
        code = transport.get_returncode()
    except TimeoutError:
        exited = transport.get_returncode() is not None and protocol.is_printing
        raise ProcessTimeoutError(bytes(protocol.stderr), exited=exited) from None
    finally:
        count_received(protocol.stdout.tell())
        await _kill(argv, transport, protocol)
    if protocol.stdout.tell() > OUTPUT_LIMIT:
        raise ValueError(f"{argv[0]} printed more than {OUTPUT_LIMIT} bytes")
    return CompletedProcess(cast(int, code), protocol.stdout.getvalue(), bytes(protocol.stderr))


def command_failed(finished: CompletedProcess, argv: Sequence[str]) -> CommandError:
    """Return the error of a command whose exit status is not 0."""
    stderr = finished.stderr.decode("utf-8", "replace")
    message = f"{argv[0]} ended with status {finished.returncode}: {one_line(stderr, 0)}"
    return CommandError(Reason.COMMAND_FAILED, message, stderr)


def command_timed_out(
    argv: Sequence[str], timeout_s: float, killed: ProcessTimeoutError
) -> ReadError:
    """Return the error of a command that was killed at its deadline, with its stderr."""
    if killed.exited:
        message = f"{argv[0]} ended, and a process that it started kept its output open"
        return ReadError(Reason.TIMEOUT, f"{message} for {timeout_s:.3g} s", remedy=_KEPT_OPEN)
    text = killed.stderr.decode("utf-8", "replace")
    line = f": {one_line(text, 0)}" if text.strip() else ""
    message = f"{argv[0]} had not ended after {timeout_s:.3g} s{line}"
    return CommandError(Reason.TIMEOUT, message, text)


def one_line(text: str, index: int) -> str:
    """Return one of the lines that are not empty, printable for a message."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no error output"]
    return printable(lines[index])


async def _kill(
    argv: Sequence[str], transport: asyncio.SubprocessTransport, child: "_Child"
) -> None:
    """Close the pipes of a child; one that still runs or prints is killed with its process group.

    A child that has exited still prints where another process, which it started, has its stdout.
    """
    running, pid = transport.get_returncode() is None, transport.get_pid()
    if running or (child.is_printing and _is_free(pid)):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    if running:
        await asyncio.wait([child.exited], timeout=REAP_TIMEOUT_S)
    if child.exited.done():
        transport.close()
    else:
        stuck.remember(argv, transport)


def _is_free(pid: int) -> bool:
    """Return whether no process has this id, so that a group with it is that of one that exited.

    A group keeps its id as long as it has a member, such as one that a command left behind.
    """
    try:
        os.getpgid(pid)
    except ProcessLookupError:
        return True
    return False


class _Child(asyncio.SubprocessProtocol):
    """Collects both outputs; done when the child has exited and its outputs have ended."""

    def __init__(self) -> None:
        self.stdout = BytesIO()  # whose value is no copy
        self.stderr = bytearray()
        loop = asyncio.get_running_loop()
        self.done = loop.create_future()
        self.exited = loop.create_future()
        self._open = {"exit", 1, 2}

    @property
    def is_printing(self) -> bool:
        """Whether a process has the child's stdout, be it the child or one that it started."""
        return 1 in self._open

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self.stderr += data[: STDERR_LIMIT - len(self.stderr)]
            return
        self.stdout.write(data)
        if self.stdout.tell() > OUTPUT_LIMIT:
            self._finish()

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        self._ended(fd)

    def process_exited(self) -> None:
        self.exited.set_result(None)
        self._ended("exit")

    def _ended(self, what: int | str) -> None:
        self._open.discard(what)
        if not self._open:
            self._finish()
        elif self._open == {2}:
            asyncio.get_running_loop().call_later(STDERR_GRACE_S, self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
