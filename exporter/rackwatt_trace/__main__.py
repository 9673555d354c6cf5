"""Command line of `rackwatt-trace`: run a command, and report what its processes use.

The wrapper becomes the command: it starts a sampler, which is not its child, and executes the
command in its own place. So the command has the process id, the standard streams, the signals and
the exit status that it would have without a wrapper, and nothing that happens to the sampler
reaches it.
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from rackwatt_trace.options import Options, parse
from rackwatt_trace.processes import ProcessTree

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # as a shell's
# Python ignores these, and a command would inherit it.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_LOCALE = b"LC_CTYPE"  # set by Python itself where the locale is C (PEP 538)


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the command; return an exit status only where that fails."""
    options = parse(sys.argv[1:] if arguments is None else arguments, os.environ)
    for warning in options.warnings:
        _say(warning)
    if options.traces:
        try:
            _start_sampler(options)
        except Exception as error:  # whatever it is, the command runs
            _say(f"running without a trace: {error}")
    return _execute(options.command)


def _start_sampler(options: Options) -> None:
    """Start the sampler as no child of this process: the command may wait for any child."""
    tree = ProcessTree(os.getpid())
    middle = os.fork()
    if middle:
        with suppress(ChildProcessError):  # of a process that ignores SIGCHLD
            os.waitpid(middle, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            from rackwatt_trace.sampler import run  # the command does not wait for this import

            run(options, tree)
    finally:
        os._exit(0)


def _execute(command: Sequence[str]) -> int:
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), _environment())  # noqa: S606 - a command, no shell
    except FileNotFoundError:
        _say(f"{command[0]}: command not found")
        return NOT_FOUND
    except OSError as error:
        _say(f"{command[0]}: {error.strerror}")
        return NOT_EXECUTABLE


def _environment() -> dict[bytes, bytes]:
    """Return the environment without what Python has added to it."""
    environment = dict(os.environb)
    try:
        with open("/proc/self/environ", "rb") as file:
            given = file.read().split(b"\0")
    except OSError:
        return environment
    if not any(one.startswith(_LOCALE + b"=") for one in given):
        environment.pop(_LOCALE, None)
    return environment


def _say(message: str) -> None:
    print(f"rackwatt-trace: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
