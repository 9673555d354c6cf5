"""What keeping the ledger costs: a fleet in which every account changes, and many that rarely do.

The second is what short-lived units come to: 5,000 of them a day, each kept for 30 days, of which
few change between two saves.

`python -m tests.bench.bench_ledger`; the flags are for a smaller or larger try.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from rackwatt_exporter.store.ledger import EnergyAccount
from rackwatt_exporter.store.ledger_file import FILE, LedgerFile
from tests.bench.report import Figure, figures, progress

INTERVAL_S = 10.0
SHORT_LIVED_CHANGED = 50


async def measure(accounts: int, changed: int, saves: int) -> list[Figure]:
    """Save a ledger so often, `changed` of its accounts booked on before each save."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        ledger = LedgerFile(directory)
        ledger.accounts |= {f"node{number:06}": EnergyAccount() for number in range(accounts)}
        keys = list(ledger.accounts)
        _book(ledger, keys, 0)
        await ledger.save(2 * INTERVAL_S, ledger.accounts)
        path = directory / FILE
        whole_bytes = path.stat().st_size
        sizes, used_s = [whole_bytes], 0.0
        for turn in range(1, saves + 1):
            _book(ledger, keys[:changed], turn)
            began_s = time.process_time()
            await ledger.save(2 * INTERVAL_S, ledger.accounts)
            used_s += time.process_time() - began_s
            sizes.append(path.stat().st_size)
        grown = ((after - before, after) for before, after in pairwise(sizes))
        written = sum(appended if appended > 0 else whole for appended, whole in grown)
        began_s = time.process_time()
        assert len(LedgerFile(directory).accounts) == accounts
        loaded_s = time.process_time() - began_s
    return [
        Figure("processor of a save", 1000 * used_s / saves, "ms"),
        Figure("written by a save", written / saves / 1024, "KiB"),
        Figure("the file written whole", whole_bytes / 1024, "KiB"),
        Figure("the file at its largest", max(sizes) / 1024, "KiB"),
        Figure("processor of reading it at a start", 1000 * loaded_s, "ms"),
    ]


def _book(ledger: LedgerFile, keys: Sequence[str], turn: int) -> None:
    at_s = turn * INTERVAL_S
    for key in keys:
        ledger.accounts[key].add(350.0, None, at_s, time.time(), 3 * INTERVAL_S)
    ledger.changed.update(keys)


async def sections(targets: int, short_lived: int, saves: int) -> str:
    """Measure both, and write the part of the page."""
    progress(f"{targets} accounts that all change")
    fleet = await measure(targets, targets, saves)
    progress(f"{short_lived} accounts of which few change")
    few = min(SHORT_LIVED_CHANGED, short_lived)
    units = await measure(short_lived, few, saves)
    return (
        f"## Ledger\n\n{targets:,} targets, each read between two saves.\n\n{figures(fleet)}\n\n"
        f"{short_lived:,} accounts, of which {few} change between two saves.\n\n{figures(units)}\n"
    )


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--short-lived", type=int, default=150_000)
    parser.add_argument("--saves", type=int, default=30)
    arguments = parser.parse_args()
    print(asyncio.run(sections(arguments.targets, arguments.short_lived, arguments.saves)))


if __name__ == "__main__":
    main()
