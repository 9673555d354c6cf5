"""`rackwatt-exporter check`: are the documents right, and does every target answer?"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rackwatt_crds.program.logs import add_logging
from rackwatt_exporter.advice import remedy
from rackwatt_exporter.collectors.catalogue import collector
from rackwatt_exporter.collectors.collector import Findings
from rackwatt_exporter.commands.flags import (
    add_host,
    add_secrets,
    add_shard,
    host,
    start_logging,
)
from rackwatt_exporter.commands.loop import run
from rackwatt_exporter.polling.gate import Gate, Gates
from rackwatt_exporter.polling.pace import Pace
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.reading import ReadError, Reading
from rackwatt_exporter.settings.files import documents
from rackwatt_exporter.settings.fleet import Fleet, fleet
from rackwatt_exporter.settings.host import Host
from rackwatt_exporter.settings.secrets import Secrets
from rackwatt_exporter.targets.catalogue import Catalogue

_COLUMNS = ("node", "address", "method", "watts", "latency", "reason")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one target answered, or a collector, which has no watts at a first look."""

    node: str
    address: str
    method: str
    took_s: float
    reading: Reading | None = None
    error: ReadError | None = None

    def row(self) -> tuple[str, ...]:
        """Write it as a row of the table."""
        watts = f"{self.reading.watts:.1f}" if self.reading else "-"
        reason = f"{self.error.reason}: {self.error}" if self.error else ""
        latency = f"{self.took_s * 1000:.0f} ms"
        return (self.node, self.address or "-", self.method, watts, latency, reason)

    def plain(self) -> dict[str, Any]:
        """Write it as plain data."""
        return {
            "node": self.node,
            "address": self.address,
            "method": self.method,
            "watts": self.reading.watts if self.reading else None,
            "source": self.reading.source if self.reading else None,
            "latency_s": round(self.took_s, 4),
            "reason": self.error.reason if self.error else None,
            "message": str(self.error) if self.error else None,
            "remedy": remedy(self.error) if self.error else None,
        }


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "check",
        help="validate documents, then read each target and collector once",
        epilog="exit status: 0 all read, 1 a target failed, 2 a document is wrong",
    )
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="*")
    parser.add_argument(
        "--config.file", dest="config_files", metavar="PATH", type=Path, action="append", default=[]
    )
    add_secrets(parser)
    add_shard(parser)
    add_host(parser)
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
        secrets = Secrets(arguments.secrets_directory)
        outcomes = run(_read_all(resolved, secrets, host(arguments)))
    tell = _tell_json if arguments.output == "json" else _tell_table
    tell(resolved, outcomes, arguments.offline)
    if resolved.problems:
        return 2
    return int(any(outcome.error for outcome in outcomes))


@dataclass(slots=True)
class _Desk:
    """Shows how many are in, of all that are asked."""

    asked: int
    taken: int = 0

    def take(self) -> None:
        self.taken += 1
        if sys.stderr.isatty():
            end = "\n" if self.taken == self.asked else ""
            told = f"\r{self.taken} of {self.asked} asked"
            print(told, end=end, file=sys.stderr, flush=True)


@dataclass(slots=True)
class _Place:
    """Takes what one target or collector answers."""

    desk: _Desk
    node: str
    address: str
    method: str
    outcome: Outcome | None = None

    def succeeded(self, _: str, result: Reading | Findings, took_s: float) -> None:
        if isinstance(result, Findings):
            self._take(took_s, None, result.amiss)
        else:
            self._take(took_s, result, None)

    def failed(self, _: str, error: ReadError, took_s: float) -> None:
        self._take(took_s, None, error)

    def _take(self, took_s: float, reading: Reading | None, error: ReadError | None) -> None:
        self.outcome = Outcome(self.node, self.address, self.method, took_s, reading, error)
        self.desk.take()


async def _read_all(resolved: Fleet, secrets: Secrets, host: Host) -> list[Outcome]:
    """Read each target once, through the same gates as `run`, and each collector."""
    catalogue, gates = Catalogue(secrets), Gates()
    desk = _Desk(len(resolved.targets) + len(resolved.instruments))
    places: list[_Place] = []
    pollers: list[Poller[Any]] = []
    for target in resolved.targets.values():
        source = catalogue.source(target)
        pace = Pace(target.interval_s, target.timeout_s, target.max_backoff_s)
        gate = gates.living(target), gates.suspect(target)
        places.append(_Place(desk, target.node, target.address, target.method))
        pollers.append(Poller(target.node, source, pace, gate, places[-1]))
    for one in resolved.instruments.values():
        times = one.schedule
        pace = Pace(times.interval_s, times.timeout_s, times.max_backoff_s)
        places.append(_Place(desk, host.node, "", one.name))
        made, gate = collector(one.name, host), (Gate(()), Gate(()))
        pollers.append(Poller(one.name, made, pace, gate, places[-1]))
    await asyncio.gather(*(poller.ask() for poller in pollers))
    await asyncio.gather(*(poller.close() for poller in pollers))
    await catalogue.close()
    return [place.outcome for place in places if place.outcome is not None]


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
    read = sum(outcome.error is None for outcome in outcomes)
    counted = f"{len(resolved.targets)} targets, {len(resolved.bindings)} schedulers"
    if resolved.instruments:
        counted += f", {len(resolved.instruments)} collectors"
    told = "not asked" if offline else f"{read} read, {len(outcomes) - read} failed"
    print(f"{counted}, {len(resolved.problems)} problems: {told}")


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    for row in rows:
        cells = [word.ljust(width) for word, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())
