"""`rackwatt-operator`: run, render, check, crds."""

import argparse
import os
import sys
from collections.abc import Sequence

from rackwatt_operator import __version__
from rackwatt_operator.commands import check, crds, render, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; the result is the exit status."""
    parser = argparse.ArgumentParser(
        prog="rackwatt-operator",
        description="Turns PowerTargets and SchedulerBindings into collectors that are scraped.",
    )
    parser.add_argument("--version", action="version", version=f"rackwatt-operator {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (run, render, check, crds):
        command.add(commands)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.command(parsed))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader closed the pipe; Python would report it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
