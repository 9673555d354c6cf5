"""`rackwatt-exporter check`: validate the documents, and poll every target once."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rackwatt_crds.cli.logs import add_logging
from rackwatt_crds.wording import counted
from rackwatt_exporter.commands.flags import (
    add_host,
    add_secrets,
    add_shard,
    host,
    start_logging,
)
from rackwatt_exporter.commands.runtime import run
from rackwatt_exporter.config.files import load_documents
from rackwatt_exporter.config.fleet import Fleet, resolve_fleet
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.pipelines.pipeline import Pipeline, Subject
from rackwatt_exporter.pipelines.registry import Registry
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.remedies import remedy_of
from rackwatt_exporter.store.ledger_file import LedgerFile

_MAX_POLLS = 200  # a thousand resources of Redfish, five in each
_COLUMNS = ("node", "address", "method", "watts", "latency", "reason")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one poll; some collectors have no watts at the first poll.

    `absent` is why there was nothing to read, where that is no failure.
    """

    kind: str
    subject: Subject
    took_s: float
    watts: float | None = None
    source: str | None = None
    error: ReadError | None = None
    note: str | None = None
    summary: str | None = None
    absent: ReadError | None = None

    def row(self) -> tuple[str, ...]:
        """Format it as a row of the table."""
        node, address, method = self.subject
        watts = "-" if self.watts is None else f"{self.watts:.1f}"
        note = f"note: {self.note}" if self.note else None
        read = "; ".join(filter(None, (self.summary, note)))
        error = self.error or self.absent
        reason = f"{error.reason}: {error}" if error else read
        latency = f"{self.took_s * 1000:.0f} ms"
        return (node, address or "-", method, watts, latency, reason)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            **self.subject._asdict(),
            "watts": self.watts,
            "source": self.source,
            "latency_s": round(self.took_s, 4),
            "reason": self.error.reason if self.error else None,
            "message": str(self.error) if self.error else None,
            "remedy": remedy_of(self.error, self.kind) if self.error else None,
            "absent": str(self.absent) if self.absent else None,
            "note": self.note,
            "summary": self.summary,
        }


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "check",
        help="validate documents, then read everything that they name once",
        epilog="exit status: 0 all read, 1 a target failed, 2 a document is invalid",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        type=Path,
        nargs="*",
        help="document file, or directory of them (default: /etc/rackwatt)",
    )
    parser.add_argument(
        "--config.file",
        dest="config_files",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="another such file or directory, as `run` takes it; repeatable",
    )
    add_secrets(parser)
    add_shard(parser)
    add_host(parser)
    parser.add_argument(
        "--offline", action="store_true", help="validate the documents only; poll nothing"
    )
    parser.add_argument(
        "--output",
        choices=("table", "json"),
        default="table",
        help="format of the result (default: %(default)s)",
    )
    add_logging(parser, "error")
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Check, and print the results."""
    start_logging(arguments.log_level, arguments.log_format)
    paths = [*arguments.paths, *arguments.config_files] or [Path("/etc/rackwatt")]
    resolved = arguments.shard.select(resolve_fleet(load_documents(paths)))
    secrets = Secrets(arguments.secrets_directory)
    registry = Registry(LedgerFile(None), secrets, host(arguments))
    outcomes: list[CheckResult] = []
    if not arguments.offline:
        outcomes = run(_read_all(resolved, registry))
    if arguments.output == "json":
        _print_json(resolved, outcomes)
    else:
        _print_report(resolved, registry.sizes(resolved), outcomes, arguments.offline)
    if resolved.problems:
        return 2
    return int(any(outcome.error for outcome in outcomes))


@dataclass(slots=True)
class _Progress:
    """Progress on a terminal: the number of completed polls."""

    total: int
    done: int = 0

    def advance(self) -> None:
        self.done += 1
        if sys.stderr.isatty():
            end = "\n" if self.done == self.total else ""
            print(f"\r{self.done} of {self.total} polled", end=end, file=sys.stderr, flush=True)


@dataclass(slots=True)
class _ResultSink:
    """Receiver of the result of one poll, which is stored as well: others may be joined with it."""

    progress: _Progress
    pipeline: Pipeline[Any, Any]
    subject: Subject
    offer: str | None
    outcome: CheckResult | None = None

    def succeeded(self, key: str, value: Any, took_s: float) -> None:
        watts, source = self.pipeline.watts(value), self.pipeline.origin(value)
        error = self.pipeline.problem(value)
        note = "; ".join(filter(None, (self.offer, self.pipeline.note(value)))) or None
        name = self.pipeline.name
        summary, absent = self.pipeline.summary(value), self.pipeline.absence(value)
        self.pipeline.store.succeeded(key, value, took_s)
        result = CheckResult(
            name, self.subject, took_s, watts, source, error, note, summary, absent
        )
        self._finish(result)

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        self.pipeline.store.failed(key, error, took_s)
        self._finish(CheckResult(self.pipeline.name, self.subject, took_s, error=error))

    def _finish(self, outcome: CheckResult) -> None:
        self.outcome = outcome

    @property
    def searches(self) -> bool:
        """Whether the next poll continues what this one started."""
        error = self.outcome.error if self.outcome else None
        return error is not None and error.reason is Reason.SEARCHING


async def _read_all(resolved: Fleet, registry: Registry) -> list[CheckResult]:
    """Poll everything once, within the same limits of concurrency as `run`."""
    specs = [(each, spec) for each in registry for spec in each.specs(resolved).values()]
    for each in registry:
        each.store.sync(each.specs(resolved).values())
    progress = _Progress(len(specs))
    sinks = [
        _ResultSink(progress, each, each.subject(spec), each.offer(spec)) for each, spec in specs
    ]
    pollers = [
        pipeline.poller(spec, sink) for (pipeline, spec), sink in zip(specs, sinks, strict=True)
    ]
    polls = list(zip(pollers, sinks, strict=True))
    for is_derived in (False, True):
        now = [_poll(*each) for each in polls if each[1].pipeline.is_derived is is_derived]
        await asyncio.gather(*now)
    await asyncio.gather(*(poller.close() for poller in pollers))
    await asyncio.gather(*(pipeline.close() for pipeline in registry))
    return [sink.outcome for sink in sinks if sink.outcome is not None]


async def _poll(poller: Poller[Any], sink: _ResultSink) -> None:
    """Poll once; a search that is spread over several polls is continued to its end."""
    for _ in range(_MAX_POLLS):
        await poller.poll()
        if not sink.searches:
            break
    sink.progress.advance()


def _print_json(resolved: Fleet, outcomes: Sequence[CheckResult]) -> None:
    report: dict[str, list[Any]] = {
        "notes": list(resolved.notes),
        "problems": list(resolved.problems),
        "targets": [],
    }
    for outcome in outcomes:
        report.setdefault(outcome.kind, []).append(outcome.plain())
    print(json.dumps(report, indent=2, ensure_ascii=False))


def _print_report(
    resolved: Fleet, sizes: Sequence[str], outcomes: Sequence[CheckResult], offline: bool
) -> None:
    for note in resolved.notes:
        print(f"note: {note}", file=sys.stderr)
    for problem in resolved.problems:
        print(problem, file=sys.stderr)
    if outcomes:
        _print_table([_COLUMNS, *(outcome.row() for outcome in outcomes)])
    failed = sum(outcome.error is not None for outcome in outcomes)
    absent = sum(outcome.absent is not None for outcome in outcomes)
    read = len(outcomes) - failed - absent
    missing = f", {absent} absent" if absent else ""
    outcome = "not polled" if offline else f"{read} read, {failed} failed{missing}"
    counts = ", ".join([*sizes, counted(len(resolved.problems), "problem")])
    print(f"{counts}: {outcome}")


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    for row in rows:
        cells = [word.ljust(width) for word, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())
