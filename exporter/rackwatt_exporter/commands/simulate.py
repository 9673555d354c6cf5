"""`rackwatt-exporter simulate`: a fleet of BMCs and PDUs on loopback, and the documents for it."""

import argparse
from dataclasses import asdict
from pathlib import Path

from rackwatt_exporter.commands.flags import add_logging, start_logging
from rackwatt_exporter.commands.loop import run
from rackwatt_exporter.simulator.fleet import MOST_NODES, Ports, racks


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser("simulate", help="be a fleet of BMCs and PDUs on loopback")
    parser.add_argument("--nodes", type=nodes, default=60, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--directory",
        type=Path,
        required=True,
        metavar="DIR",
        help="where the documents and secrets that fit the fleet are written",
    )
    for protocol, port in asdict(Ports()).items():
        parser.add_argument(
            f"--{protocol}.port",
            dest=protocol,
            type=int,
            default=port,
            metavar="PORT",
            help="(%(default)s)",
        )
    add_logging(parser)
    parser.set_defaults(command=command)


def nodes(text: str) -> int:
    """Read how many machines there shall be."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_NODES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_NODES}")
    return int(text)


def command(arguments: argparse.Namespace) -> int:
    """Simulate until SIGTERM or SIGINT."""
    start_logging(arguments.log_level, arguments.log_format)
    from rackwatt_exporter.simulator.service import serve  # `run` and `check` do without its weight

    ports = Ports(arguments.ipmi, arguments.snmp, arguments.redfish)
    return run(serve(racks(arguments.nodes), ports, arguments.directory))
