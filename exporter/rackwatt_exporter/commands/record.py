"""`rackwatt-exporter record`: record responses of BMCs in a file without identifying data."""

import argparse
import os
import sys
from pathlib import Path

from rackwatt_crds.cli.logs import add_logging
from rackwatt_exporter.capture import CaptureError
from rackwatt_exporter.commands.flags import add_secrets, start_logging
from rackwatt_exporter.commands.runtime import run
from rackwatt_exporter.config.files import load_documents
from rackwatt_exporter.config.fleet import resolve_fleet
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "record",
        help="record responses of BMCs in a file, without credentials",
        epilog="exit status: 0 recorded, 1 not recorded, 2 a document is invalid",
    )
    parser.add_argument("nodes", metavar="NODE", nargs="*", help="nodes to record (default: all)")
    parser.add_argument(
        "--config.file",
        dest="config_files",
        metavar="PATH",
        type=Path,
        action="append",
        help="document file, or directory of them; repeatable (default: /etc/rackwatt)",
    )
    add_secrets(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="file to write")
    parser.add_argument(
        "--readings",
        type=readings_count,
        default=3,
        metavar="N",
        help="number of readings of each node (default: %(default)s)",
    )
    add_logging(parser, "error")
    parser.set_defaults(command=command)


def readings_count(text: str) -> int:
    """Parse the number of readings of each node."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return int(text)


def command(arguments: argparse.Namespace) -> int:
    """Record, and print the result of each node."""
    start_logging(arguments.log_level, arguments.log_format)
    resolved = resolve_fleet(load_documents(arguments.config_files or [Path("/etc/rackwatt")]))
    for problem in resolved.problems:
        print(problem, file=sys.stderr)
    unknown = [node for node in arguments.nodes if node not in resolved.targets]
    if unknown:
        print(f"unknown nodes: {', '.join(unknown)}", file=sys.stderr)
    if resolved.problems or unknown:
        return 2
    targets = [resolved.targets[node] for node in arguments.nodes or resolved.targets]
    try:
        text = run(_record(targets, arguments.secrets_directory, arguments.readings))
        _write(arguments.output, text)
    except (CaptureError, ReadError) as error:
        print(f"recording failed: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{arguments.output}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{arguments.output}: review the file before you send it")
    return 0


async def _record(targets: list[Target], directory: Path, times: int) -> str:
    from rackwatt_exporter.recording.recorder import KnownSecrets, Recorder  # only when needed

    recorder = Recorder(KnownSecrets(directory), times)
    for target in targets:
        outcome = await recorder.record(target)
        result = outcome.message if outcome.watts is None else f"{outcome.watts:g} W"
        print(f"{target.node}: {result}")
    return recorder.capture()


def _write(path: Path, text: str) -> None:
    """Write a file that only the current user can read."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(opened, "w", encoding="utf-8") as file:
        file.write(text)
