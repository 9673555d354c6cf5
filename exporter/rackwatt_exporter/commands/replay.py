"""`rackwatt-exporter replay`: serve the BMCs of a capture on loopback addresses."""

import argparse
import sys
from pathlib import Path

from rackwatt_crds.cli.logs import add_logging
from rackwatt_exporter.capture import CaptureError, read
from rackwatt_exporter.commands.flags import start_logging
from rackwatt_exporter.commands.simulate import add_output, play
from rackwatt_exporter.simulator.fleet import Ports


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "replay", help="serve the BMCs of a recorded file on loopback addresses"
    )
    parser.add_argument("capture", metavar="FILE", type=Path, help="file written by `record`")
    add_output(parser)
    add_logging(parser)
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Respond as in the capture until SIGTERM or SIGINT."""
    start_logging(arguments.log_level, arguments.log_format)
    from rackwatt_exporter.simulator.replay.runner import serve  # `run` does not need it

    ports = Ports(arguments.ipmi, arguments.snmp, arguments.redfish)
    try:
        return play(serve(read(arguments.capture), ports, arguments.directory))
    except CaptureError as error:
        print(error, file=sys.stderr)
        return 2
