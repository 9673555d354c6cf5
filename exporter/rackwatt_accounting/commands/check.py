"""`rackwatt-accounting check`: validate the documents, and read the last hour of each source once.

It writes nothing, and needs no database.
"""

import argparse
import asyncio
import time
from collections import Counter

from rackwatt_accounting.commands.flags import add_documents, resolved, secrets
from rackwatt_accounting.config.accounting import AccountingConfig
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.registry import accounting_source
from rackwatt_crds.cli.logs import add_logging
from rackwatt_crds.wording import counted
from rackwatt_exporter.commands.flags import start_logging
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError

_WINDOW_S = 3600


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "check", help="validate the documents, and read each source once; nothing is written"
    )
    add_documents(parser)
    add_logging(parser)
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Check; return 1 where a document has a problem or a source did not answer."""
    start_logging(arguments.log_level, arguments.log_format)
    found = resolved(arguments)
    if not found.accounting and not found.problems:
        print("no document has spec.accounting")
        return 1
    answered = asyncio.run(_check(list(found.accounting.values()), secrets(arguments)))
    return int(bool(found.problems) or not answered)


async def _check(configs: list[AccountingConfig], files: Secrets) -> bool:
    return all([await _check_source(config, files) for config in configs])


async def _check_source(config: AccountingConfig, files: Secrets) -> bool:
    """Print what one source has of the last hour, or why it has nothing."""
    try:
        source = accounting_source(config.scheduler, files)
    except ValueError as error:
        print(f"{config.name}: {error}")
        return False
    began_s, now_s = time.monotonic(), int(time.time())
    states: Counter[str] = Counter()
    try:
        async for batch in source.units(Window(now_s - _WINDOW_S, now_s)):
            states.update(unit.state for unit in batch)
        associations = await source.associations()
    except ReadError as error:
        print(f"{config.name}: {config.scheduler.label}: {error.reason}: {error}")
        return False
    finally:
        await source.close()
    took_s = time.monotonic() - began_s
    listed = ", ".join(f"{count} {state}" for state, count in states.most_common())
    people = len(associations.memberships) if associations else 0
    print(
        f"{config.name}: {config.scheduler.label}: {counted(sum(states.values()), 'unit')} of the "
        f"last hour ({listed or 'none'}), {counted(people, 'association')}, {took_s:.2f}s"
    )
    return True
