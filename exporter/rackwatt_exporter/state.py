"""The ledger on disk, so that counters survive a restart: one small file, written whole.

It is written beside and renamed over, so that a reader, and the next start after a power cut, find
either the old one or the new one. Ceilings are raised on disk first and in memory after, never the
other way round (ledger.py says why).
"""

import asyncio
import logging
import os
from pathlib import Path
from typing import Literal

import msgspec

from rackwatt_exporter.ledger import Account

log = logging.getLogger(__name__)

FILE = "ledger.json"


class _File(msgspec.Struct):
    version: Literal[1]
    accounts: dict[str, Account]


class LedgerFile:
    """The accounts of all targets, those gone among them, and the file they are kept in.

    Without a directory they last as long as the process does.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self.accounts = _load(directory) if directory else {}

    async def save(self, for_s: float) -> None:
        """Write the ledger with room for the time until the next save; 0 is the last one."""
        if self._directory is None:
            return
        ceilings = {
            node: (account.next_ceiling_joules(for_s), account.next_ceiling_covered_s(for_s))
            for node, account in self.accounts.items()
        }
        stored = {
            node: msgspec.structs.replace(
                account, ceiling_joules=ceilings[node][0], ceiling_covered_s=ceilings[node][1]
            )
            for node, account in self.accounts.items()
        }
        encoded = msgspec.json.encode(_File(1, stored))
        try:
            await asyncio.to_thread(_write, self._directory, encoded)
        except OSError as error:
            log.error("the ledger cannot be kept in %s: %s", self._directory, error)
            ceilings = dict.fromkeys(ceilings, (None, None))  # a frozen counter would be worse
        for node, (joules, covered_s) in ceilings.items():
            account = self.accounts[node]
            account.ceiling_joules, account.ceiling_covered_s = joules, covered_s


def _load(directory: Path) -> dict[str, Account]:
    """Read the accounts of the last run; none if there was none.

    A file that cannot be read is set aside, not overwritten: its joules may still be told by hand.
    """
    path = directory / FILE
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        aside = path.with_suffix(".unreadable")
        log.error("%s cannot be read and is kept as %s: %s", path, aside.name, error)
        os.replace(path, aside)
        return {}
    for account in stored.accounts.values():
        account.resume()
    return stored.accounts


def _write(directory: Path, encoded: bytes) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    beside = directory / f"{FILE}.new"
    with beside.open("wb") as file:
        file.write(encoded)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, directory / FILE)
