"""`rackwatt-exporter simulate`: simulated BMCs and PDUs on loopback, with documents for them."""

import argparse
import ipaddress
import logging
import re
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rackwatt_crds.cli.logs import add_logging
from rackwatt_crds.fields import Duration
from rackwatt_exporter.commands.flags import start_logging
from rackwatt_exporter.commands.runtime import run
from rackwatt_exporter.simulator.fleet import MAX_NODES, Ports, racks
from rackwatt_exporter.simulator.scenario import Affected, Scenario, Share, read

log = logging.getLogger(__name__)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "simulate", help="run simulated BMCs and PDUs on loopback addresses"
    )
    parser.add_argument(
        "--nodes",
        type=nodes,
        default=60,
        metavar="N",
        help="number of nodes (default: %(default)s)",
    )
    parser.add_argument(
        "--scenario",
        type=Path,
        metavar="FILE",
        help="scenario of faults (docs/simulate.md); reloaded when the file changes",
    )
    share, time = matching(Share, "5%"), matching(Duration, "20ms")
    for name, kind, help_text in (
        ("dead", share, "share of the machines that do not respond"),
        ("loss", share, "share of lost packets, to and from each machine"),
        ("latency", time, "delay of every response"),
    ):
        shown = "SHARE" if kind is share else "TIME"
        parser.add_argument(
            f"--{name}", type=kind, metavar=shown, help=f"{help_text} (default: none)"
        )
    parser.add_argument(
        "--address",
        type=address,
        metavar="IP",
        help="single address of all machines instead of loopback, one of each kind (at most 3)",
    )
    add_output(parser)
    add_logging(parser)
    parser.set_defaults(command=command)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the directory of the documents, and the ports."""
    parser.add_argument(
        "--directory",
        type=Path,
        required=True,
        metavar="DIR",
        help="directory for the documents and Secrets of the fleet",
    )
    for protocol, port in asdict(Ports()).items():
        parser.add_argument(
            f"--{protocol}.port",
            dest=protocol,
            type=_port,
            default=port,
            metavar="PORT",
            help="default: %(default)s",
        )


def nodes(text: str) -> int:
    """Parse the number of machines."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_NODES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_NODES}")
    return int(text)


def _port(text: str) -> int:
    """Parse a port; not 0, since the documents contain it."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 65535")
    return int(text)


def address(text: str) -> str:
    """Parse an IPv4 address."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IPv4 address") from None


def matching(kind: object, example: str) -> Callable[[str], str]:
    """Return a parser of text that matches the pattern of a field of documents."""
    (meta,) = kind.__metadata__  # type: ignore[attr-defined]  # of an Annotated

    def read_text(text: str) -> str:
        if len(text) < (meta.min_length or 0) or not re.search(meta.pattern, text):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not valid: expected a value such as {example}"
            )
        return text

    return read_text


def command(arguments: argparse.Namespace) -> int:
    """Simulate until SIGTERM or SIGINT."""
    start_logging(arguments.log_level, arguments.log_format)
    from rackwatt_exporter.simulator.runner import serve  # `run` and `check` do not need it

    try:
        machines = racks(arguments.nodes, address=arguments.address)
    except ValueError as error:
        log.error("%s", error)
        return 2
    ports = Ports(arguments.ipmi, arguments.snmp, arguments.redfish)
    plan = partial(_plan, _faults(arguments), arguments.scenario)
    return play(serve(machines, ports, arguments.directory, plan, arguments.scenario))


def play(serving: Coroutine[Any, Any, int]) -> int:
    """Run a simulated fleet; report a directory that cannot be scenario."""
    try:
        return run(serving)
    except OSError as error:
        log.error("cannot be written: %s", error)
        return 1


def _faults(arguments: argparse.Namespace) -> list[Affected]:
    """Return the flags as faults of a scenario."""
    faults = []
    if arguments.dead:
        faults.append(Affected(share=arguments.dead, dead=True))
    if arguments.loss or arguments.latency:
        faults.append(Affected(loss=arguments.loss, latency=arguments.latency))
    return faults


def _plan(faults: list[Affected], path: Path | None) -> Scenario:
    """Return the scenario of the file with the faults of the flags, which take precedence.

    Raises:
        ScenarioError: the file is invalid.
    """
    scenario = read(path) if path else Scenario()
    return Scenario(seed=scenario.seed, faults=[*(scenario.faults or []), *faults])
