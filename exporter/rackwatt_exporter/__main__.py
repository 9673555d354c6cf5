"""`rackwatt-exporter`: run, check, simulate, record, replay."""

import argparse
import sys
from collections.abc import Sequence

from rackwatt_exporter import __version__
from rackwatt_exporter.commands import check, record, replay, run, simulate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; the result is the exit status."""
    parser = argparse.ArgumentParser(
        prog="rackwatt-exporter",
        description="Measures the power of a fleet and serves it to Prometheus.",
    )
    parser.add_argument("--version", action="version", version=f"rackwatt-exporter {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (run, check, simulate, record, replay):
        command.add(commands)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.command(parsed))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
