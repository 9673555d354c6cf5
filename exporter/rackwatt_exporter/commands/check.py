"""`rackwatt-exporter check`: are the documents right, and does every target answer?"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rackwatt_exporter.commands.flags import add_logging, add_secrets, add_shard, start_logging
from rackwatt_exporter.commands.loop import run
from rackwatt_exporter.polling.gate import Gates
from rackwatt_exporter.polling.pace import Pace
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.reading import ReadError, Reading
from rackwatt_exporter.settings.files import documents
from rackwatt_exporter.settings.fleet import Fleet, fleet
from rackwatt_exporter.settings.secrets import Secrets
from rackwatt_exporter.settings.target import Target
from rackwatt_exporter.targets.catalogue import Catalogue

_COLUMNS = ("node", "address", "method", "watts", "latency", "reason")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one target answered."""

    target: Target
    took_s: float
    reading: Reading | None = None
    error: ReadError | None = None

    def row(self) -> tuple[str, ...]:
        """Write it as a row of the table."""
        watts = f"{self.reading.watts:.1f}" if self.reading else "-"
        reason = f"{self.error.reason}: {self.error}" if self.error else ""
        target = self.target
        latency = f"{self.took_s * 1000:.0f} ms"
        return (target.node, target.address or "-", target.method, watts, latency, reason)

    def plain(self) -> dict[str, Any]:
        """Write it as plain data."""
        return {
            "node": self.target.node,
            "address": self.target.address,
            "method": self.target.method,
            "watts": self.reading.watts if self.reading else None,
            "source": self.reading.source if self.reading else None,
            "latency_s": round(self.took_s, 4),
            "reason": self.error.reason if self.error else None,
            "message": str(self.error) if self.error else None,
        }


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "check",
        help="validate documents, then read each target once",
        epilog="exit status: 0 all read, 1 a target failed, 2 a document is wrong",
    )
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="*")
    parser.add_argument(
        "--config.file", dest="config_files", metavar="PATH", type=Path, action="append", default=[]
    )
    add_secrets(parser)
    add_shard(parser)
    parser.add_argument("--offline", action="store_true", help="validate only, ask nobody")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    add_logging(parser, "error")
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Check, and print what was found."""
    start_logging(arguments.log_level, arguments.log_format)
    paths = [*arguments.paths, *arguments.config_files] or [Path("/etc/rackwatt")]
    resolved = arguments.shard.part(fleet(documents(paths)))
    outcomes: list[Outcome] = []
    if not arguments.offline:
        outcomes = run(_read_all(resolved, Secrets(arguments.secrets_directory)))
    tell = _tell_json if arguments.output == "json" else _tell_table
    tell(resolved, outcomes, arguments.offline)
    if resolved.problems:
        return 2
    return int(any(outcome.error for outcome in outcomes))


class _Desk:
    """Takes outcomes as they come, and shows how many are in."""

    def __init__(self, targets: dict[str, Target]) -> None:
        self._targets = targets
        self.outcomes: dict[str, Outcome] = {}

    def succeeded(self, key: str, result: Reading, took_s: float) -> None:
        self._take(Outcome(self._targets[key], took_s, reading=result))

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        self._take(Outcome(self._targets[key], took_s, error=error))

    def _take(self, outcome: Outcome) -> None:
        self.outcomes[outcome.target.node] = outcome
        if sys.stderr.isatty():
            end = "\n" if len(self.outcomes) == len(self._targets) else ""
            told = f"\r{len(self.outcomes)} of {len(self._targets)} targets asked"
            print(told, end=end, file=sys.stderr, flush=True)


async def _read_all(resolved: Fleet, secrets: Secrets) -> list[Outcome]:
    """Read each target once, through the same gates as `run`."""
    catalogue, gates = Catalogue(secrets), Gates()
    desk = _Desk(dict(resolved.targets))
    pollers = []
    for target in resolved.targets.values():
        source = catalogue.driver(target.method).source(target)
        pace = Pace(target.interval_s, target.timeout_s, target.max_backoff_s)
        places = gates.living(target), gates.suspect(target)
        pollers.append(Poller(target.node, source, pace, places, desk))
    await asyncio.gather(*(poller.ask() for poller in pollers))
    await asyncio.gather(*(poller.close() for poller in pollers))
    await catalogue.close()
    return [desk.outcomes[node] for node in resolved.targets]


def _tell_json(resolved: Fleet, outcomes: Sequence[Outcome], _: bool) -> None:
    told = {
        "problems": list(resolved.problems),
        "targets": [outcome.plain() for outcome in outcomes],
    }
    print(json.dumps(told, indent=2, ensure_ascii=False))


def _tell_table(resolved: Fleet, outcomes: Sequence[Outcome], offline: bool) -> None:
    for problem in resolved.problems:
        print(problem, file=sys.stderr)
    if outcomes:
        _print_table([_COLUMNS, *(outcome.row() for outcome in outcomes)])
    read = sum(outcome.reading is not None for outcome in outcomes)
    counted = f"{len(resolved.targets)} targets, {len(resolved.bindings)} schedulers"
    told = "not asked" if offline else f"{read} read, {len(outcomes) - read} failed"
    print(f"{counted}, {len(resolved.problems)} problems: {told}")


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    for row in rows:
        cells = [word.ljust(width) for word, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())
