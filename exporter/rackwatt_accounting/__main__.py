"""Command line of `rackwatt-accounting`: run, fill, check."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from rackwatt_accounting import __version__

COMMANDS = ("run", "fill", "check")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return the exit status."""
    parsed = parser().parse_args(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(parsed.command(parsed))
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    built = argparse.ArgumentParser(
        prog="rackwatt-accounting",
        description="Account for jobs by user and project, in hours, joules, grams and money.",
    )
    built.add_argument("--version", action="version", version=f"rackwatt-accounting {__version__}")
    commands = built.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        import_module(f"rackwatt_accounting.commands.{name}").add(commands)
    return built


if __name__ == "__main__":
    sys.exit(main())
