"""`rackwatt-accounting fill`: write the units of a time that has passed, a day at a time.

It can be stopped and started again: days that are written are written again with the same result.
It may run beside `run`.
"""

import argparse
import asyncio
import sys
import time

from rackwatt_accounting.commands.flags import (
    add_documents,
    add_storage,
    database,
    resolved,
    secrets,
)
from rackwatt_accounting.model.calendar import date_text, day_number
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.service import Cluster, Service
from rackwatt_accounting.storage.database import StorageError
from rackwatt_crds.cli.logs import add_logging
from rackwatt_exporter.commands.flags import start_logging
from rackwatt_exporter.reading import ReadError


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "fill", help="write the units of days that have passed, and their energy"
    )
    parser.add_argument(
        "--from", dest="first", metavar="DATE", type=_date, required=True, help="the first day"
    )
    parser.add_argument(
        "--to", dest="last", metavar="DATE", type=_date, help="the last day (default: today)"
    )
    parser.add_argument(
        "--cluster", metavar="NAME", action="append", help="only this cluster; repeatable"
    )
    add_documents(parser)
    add_storage(parser)
    add_logging(parser)
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Fill; return 1 where a cluster did not answer."""
    start_logging(arguments.log_level, arguments.log_format)
    found = resolved(arguments)
    if found.problems:
        return 1
    try:
        return asyncio.run(
            _fill(arguments, Service(found, database(arguments), secrets(arguments)))
        )
    except (StorageError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


async def _fill(arguments: argparse.Namespace, service: Service) -> int:
    await service.open()
    calendar, now_s = service.store.calendar, int(time.time())
    last = calendar.day_of(now_s) if arguments.last is None else arguments.last
    to_s = min(calendar.window(last).to_s, now_s)
    window = Window(calendar.window(arguments.first).from_s, to_s)
    if not window.seconds:
        raise ValueError("--from is after --to, or in the future")
    chosen = [
        cluster
        for cluster in service.clusters.values()
        if not arguments.cluster or cluster.config.cluster in arguments.cluster
    ]
    if not chosen:
        raise ValueError("no document has accounting of such a cluster")
    failed = [not await _fill_cluster(cluster, window) for cluster in chosen]
    await service.close()
    return int(any(failed))


async def _fill_cluster(cluster: Cluster, window: Window) -> bool:
    """Fill one cluster, and print a line for each day; return whether all was read."""
    name, began_s = cluster.config.cluster, time.monotonic()

    def report(day: int, records: int) -> None:
        took_s = time.monotonic() - began_s
        print(f"{name}: {date_text(day)}: {records} records, {took_s:.1f}s", flush=True)

    try:
        await cluster.units.update_associations()
        written = await cluster.units.fill(window, report)
        measured = await cluster.energy.fill(window) if cluster.energy else 0
    except ReadError as error:
        print(f"{name}: {error.reason}: {error}", file=sys.stderr)
        print(f"{name}: run the same command again to go on", file=sys.stderr)
        return False
    print(f"{name}: {written} records, energy of {measured} units and days")
    return True


def _date(text: str) -> int:
    try:
        return day_number(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, such as 2026-11-30") from None
