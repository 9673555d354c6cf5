"""Command line of `rackwatt-exporter`: run, check, simulate, record, replay."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from rackwatt_exporter import __version__
from rackwatt_exporter.lazy_modules import register_openssl

COMMANDS = ("run", "check", "simulate", "record", "replay")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    parsed = parser([name for name in COMMANDS if name in given[:1]]).parse_args(given)
    try:
        return int(parsed.command(parsed))
    except KeyboardInterrupt:
        return 130


def parser(names: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Build the parser of the named commands, or of all, and import only their modules.

    A process on a node then needs the memory of its own command only.
    """
    register_openssl()  # the commands import asyncio
    built = argparse.ArgumentParser(
        prog="rackwatt-exporter",
        description="Measure the power of a fleet and expose it to Prometheus.",
    )
    built.add_argument("--version", action="version", version=f"rackwatt-exporter {__version__}")
    commands = built.add_subparsers(required=True, metavar="COMMAND")
    for name in names or COMMANDS:
        import_module(f"rackwatt_exporter.commands.{name}").add(commands)
    return built


if __name__ == "__main__":
    sys.exit(main())
